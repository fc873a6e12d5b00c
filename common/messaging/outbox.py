"""What is said, written with the state that it is said about. Only the relay publishes."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import NamedTuple

from common.contracts.message import Message, subject
from common.messaging.codec import encode
from common.messaging.publisher import Outgoing
from common.postgres.database import Transaction, columns
from common.telemetry import context
from common.telemetry.messages import created

WRITE = """
INSERT INTO outbox (message_id, subject, payload, correlation_id, causation_id, traceparent)
SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::text[])
RETURNING created_on, position
"""


class OutboxRow(NamedTuple):
    """A committed message and where it stands in the table."""

    created_on: date
    position: int
    message: Outgoing


class Outbox:
    """Hands every committed row to the relay, so that publishing needs no read."""

    def __init__(self, committed: Callable[[list[OutboxRow]], None]) -> None:
        self._committed = committed
        self._hearers: list[Callable[[Sequence[Message]], None]] = []

    def on_commit(self, hear: Callable[[Sequence[Message]], None]) -> None:
        """Is told what this process has said, right after the commit and before anybody is answered.

        Must not block. A crash may skip it; the stream has it then.
        """
        self._hearers.append(hear)

    async def put(
        self, tx: Transaction, messages: Iterable[Message], traces: Mapping[str, str | None] | None = None
    ) -> None:
        """One statement. `traces`: trace contexts by id of the cause or correlation; else the current one."""
        said = list(messages)
        outgoing = [as_outgoing(message, traces) for message in said]
        if not outgoing:
            return
        rows = await tx.fetch(WRITE, *columns((each[:6] for each in outgoing), 6))
        placed = [
            OutboxRow(row["created_on"], row["position"], message)
            for row, message in zip(rows, outgoing, strict=True)
        ]
        tx.after_commit(lambda: self._committed(placed))
        for hear in self._hearers:
            tx.after_commit(partial(hear, said))


def as_outgoing(message: Message, traces: Mapping[str, str | None] | None = None) -> Outgoing:
    """The message with its headers: id, correlation, causation, trace."""
    trace = _trace(message, traces or {})
    return Outgoing(
        message_id=(name := message.id),
        subject=(where := subject(type(message))),
        payload=encode(message),
        correlation_id=(correlation := message.correlation_id),
        causation_id=message.cause_id,
        traceparent=created(trace, where, name, correlation),
        said=time.time(),
    )


def _trace(message: Message, traces: Mapping[str, str | None]) -> str | None:
    """Of what it follows from, or is about. What a batch says about all of it is of no purchase's trace."""
    own = traces.get(message.cause_id or "") or traces.get(message.correlation_id)
    return own or (context.traceparent() if len(traces) <= 1 else None)
