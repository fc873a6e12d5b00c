"""After the broker has lost its disk, the outbox of the last day is said again under the same ids (P16).

The inboxes of the receivers know what they heard before. Without this a wiped broker would cost the words
that nobody drives again: verification codes, changes of the catalogue. Of what is driven again anyway only
the last minute is repeated, so that purchases under way need not wait: a day of sales is nothing to tell.
"""

import asyncio
import logging
from datetime import date, datetime

import nats
from nats.js.errors import NotFoundError

from common.messaging.broker import Broker
from common.messaging.streams import DRIVEN, STREAM
from common.postgres.database import UNAVAILABLE, Database, Transaction

log = logging.getLogger(__name__)

EVERY = 2.0
PAGE = 5_000

KNOWN = "SELECT stream_created_at FROM relay_state FOR UPDATE SKIP LOCKED"
REMEMBER = "UPDATE relay_state SET stream_created_at = $1"
# What was published up to now went to the old stream, or is repeated for nothing. The marks are taken back,
# and the relay's recovery does the rest.
TAKE_BACK = """
WITH page AS (
  SELECT created_on, position FROM outbox
  WHERE (created_on, position) > ($1, $2) AND created_on >= current_date - 2
    AND created_at > now() - CASE WHEN subject = ANY($4) THEN interval '1 minute' ELSE interval '24 hours' END
    AND published_at <= now()
  ORDER BY created_on, position LIMIT $3
), taken AS (
  UPDATE outbox o SET published_at = NULL FROM page p
  WHERE o.created_on = p.created_on AND o.position = p.position
)
SELECT created_on, position FROM page ORDER BY created_on DESC, position DESC LIMIT 1
"""


async def watch_incarnation(db: Database, broker: Broker) -> None:
    """Runs until cancelled; one replica of a service acts, the others find it done."""
    seen: datetime | None = None
    while True:
        await asyncio.sleep(EVERY)
        try:
            created = await _created_at(broker)
            if created is not None and created != seen:
                await _compare(db, created)
                seen = created
        except (*UNAVAILABLE, nats.errors.Error, TimeoutError) as error:
            broker.measures.stream = None
            log.warning("cannot see the stream: %r", error)


async def _created_at(broker: Broker) -> datetime | None:
    """The identity of the stream: when it was made. None while there is none."""
    client = await broker.ready()
    try:
        info = await client.jetstream(timeout=2).stream_info(STREAM)
    except NotFoundError:
        return None
    broker.measures.stream = info
    return info.created


async def _compare(db: Database, created: datetime) -> None:
    async with db.begin() as tx:
        row = await tx.row(KNOWN)
        if row is None or row["stream_created_at"] == created:
            return
        await tx.execute(REMEMBER, created)
        if row["stream_created_at"] is not None:
            log.warning("the stream is a new one: the outbox of the last day is said again")
            await _take_back(tx)


async def _take_back(tx: Transaction) -> None:
    last: tuple[date, int] = (date.min, 0)
    while page := await tx.row(TAKE_BACK, *last, PAGE, DRIVEN):
        last = (page["created_on"], page["position"])
