"""The model checker of the streams reads a log in Python; the database must read its table the same way."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from common.postgres.database import Database
from purchase import event_log, repository
from purchase.event_log import Event
from tests.integration.purchase.test_schema import PUT_IN
from tests.model.journal import COMPLETED, READS, TIMED_OUT, outcomes
from tests.model.words import CUSTOMER, requested

PURCHASES = [requested(number) for number in range(2)]


async def written(db: Database) -> tuple[Event, ...]:
    """Two purchases of one customer, a transaction of the one after a transaction of the other."""
    async with db.begin() as tx:
        for row in PURCHASES:
            await tx.execute(PUT_IN, row.id, CUSTOMER, "PENDING")
    scripts = [outcomes(row, script) for row, script in zip(PURCHASES, (TIMED_OUT, COMPLETED), strict=True)]
    log: list[Event] = []
    for outcome in sorted(
        (each for script in scripts for each in script), key=lambda each: each.row.last_seq
    ):
        async with db.begin() as tx:
            after, events = await event_log.append(tx, [outcome], datetime.now(UTC))
            await repository.save(tx, after, 10)
            log += events
    return tuple(log)


def plain(row: Any) -> tuple[Any, ...]:
    if isinstance(row, tuple):
        return row
    return tuple(row.values()) if isinstance(row, Mapping) else (row,)


async def test_the_statements_answer_as_the_model_has_it(database: Callable[[str], str]) -> None:
    first, second = (row.id for row in PURCHASES)
    asked = [
        *((event_log.OF_PURCHASE, (each, after, 2)) for each in (first, second) for after in range(7)),
        *((event_log.OF_ACCOUNT, (CUSTOMER, after, 3)) for after in range(12)),
        *((event_log.LAST, (each, CUSTOMER)) for each in (first, second)),
        (event_log.LAST, (first, first)),
        (event_log.NEWEST_OF_ACCOUNT, (CUSTOMER,)),
        (event_log.NEWEST_OF_ACCOUNT, (first,)),
        (event_log.NEWEST, ([second], [])),
        (event_log.NEWEST, ([], [CUSTOMER])),
    ]
    async with Database.connect(database("purchase"), size=1, name="test") as db:
        log = await written(db)
        assert [event.account_seq for event in log] == list(range(1, 12))
        async with db.read() as tx:
            for statement, values in asked:
                found = [tuple(row.values()) for row in await tx.fetch(statement, *values)]
                assert found == [plain(row) for row in READS[statement](log, *values)], (statement, values)
