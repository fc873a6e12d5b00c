"""The event log as its database has it: written by the real transaction, read by the real statements."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from common.contracts.mail import MailAccepted
from common.contracts.message import PurchaseMessage
from common.contracts.order import OrderCancelled, OrderCreated
from common.contracts.payment import PaymentVoided
from common.contracts.product import StockReleased, StockReserved
from common.contracts.purchase import CompletePurchase
from common.postgres.database import Transaction
from purchase import event_log, repository
from purchase.decisions import Decisions
from purchase.event_log import Event
from purchase.model import ACCEPTED, Outcome, Row, Status, fold, time_out
from tests.model.network import Numbers
from tests.model.provider import at_once
from tests.model.words import requested

Log = int
"""The number of a log: all events that are committed, in the order of commits."""
Batch = int
"""The number of what one transaction adds to it."""
Events = tuple[Event, ...]
Reaction = Callable[[Row], Outcome]


def accept(row: Row) -> Outcome:
    return Outcome(row, (ACCEPTED,))


def hear(*kinds: type[PurchaseMessage]) -> Reaction:
    """A batch of these words."""
    return lambda row: fold(row, [kind(cause_id="", purchase=row.context()) for kind in kinds])


COMPLETED = (accept, hear(StockReserved), hear(OrderCreated, CompletePurchase))
"""Three transactions, five events."""
TIMED_OUT = (accept, time_out, hear(StockReleased, OrderCancelled), hear(PaymentVoided, MailAccepted))
"""Four transactions, six events."""
BEGUN = (accept, hear(StockReserved))
ACCEPTED_ONLY = (accept,)
"""Purchases that are watched no longer than that."""


class Record(dict[str, Any]):
    """A row that a state can hold."""

    def __hash__(self) -> int:  # type: ignore[override]  # nobody changes one
        return hash(tuple(self.items()))


class Pen(Transaction):
    """A deciding transaction; `last` is the account's counter, whose row it has locked."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.written: Events = ()
        self._after_commit = []

    async def fetch(self, statement: str, *values: Any) -> Any:
        assert statement == event_log.APPEND
        [account], [count], *entries, _paths = values
        places = [Event(*row) for row in zip(*entries, strict=True)]
        assert len(places) == count
        self.written = tuple(replace(each, account_seq=self.last + each.account_seq) for each in places)
        return [{"account_id": account, "last_seq": self.last}]

    async def execute(self, statement: str, *values: Any) -> str:
        assert statement == repository.SAVE
        return ""


class Journal:
    """Every log that there ever was, by its number."""

    def __init__(self, scripts: Sequence[Sequence[Reaction]], pen: type[Pen] = Pen) -> None:
        self.purchases = [requested(number) for number in range(len(scripts))]
        self._pen = pen
        self._outcomes = [outcomes(row, script) for row, script in zip(self.purchases, scripts, strict=True)]
        self._logs = Numbers[Events]()
        self._batches = Numbers[Events]()
        self._next: dict[tuple[Log, int, int], tuple[Batch, bool] | None] = {}
        self._grown: dict[tuple[Log, Batch], Log] = {}
        self.empty = self._logs.of(())
        self.length = sum(len(outcome.entries) for outcomes in self._outcomes for outcome in outcomes)

    def events(self, log: Log) -> Events:
        return self._logs.things[log]

    def batch(self, batch: Batch) -> Events:
        return self._batches.things[batch]

    def after(self, log: Log, batch: Batch) -> Log:
        """The commit."""
        key = (log, batch)
        if key not in self._grown:
            self._grown[key] = self._logs.of(self.events(log) + self.batch(batch))
        return self._grown[key]

    def next(self, log: Log, purchase: int, last: int) -> tuple[Batch, bool] | None:
        """What the purchase's next transaction writes, and whether it tells of it before its commit."""
        key = (log, purchase, last)
        if key not in self._next:
            key_id = self.purchases[purchase].id
            seen = sum(event.purchase_id == key_id for event in self.events(log))
            outcome = next((each for each in self._outcomes[purchase] if each.row.last_seq == seen), None)
            self._next[key] = self._written(outcome, last) if outcome else None
        return self._next[key]

    def _written(self, outcome: Outcome, last: int) -> tuple[Batch, bool]:
        told: list[Event] = []
        pen = self._pen(last)
        at_once(Decisions(told.extend, redrive_after=0).write(pen, [outcome]))
        is_early = bool(told)
        pen.committed()
        assert tuple(told) == pen.written
        return self._batches.of(pen.written), is_early

    def answer(self, log: Log, statement: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """What a reader gets whose snapshot is this log."""
        return READS[statement](self.events(log), *values)


def outcomes(row: Row, script: Sequence[Reaction]) -> list[Outcome]:
    outcomes = []
    row = replace(row, last_seq=0)
    for react in script:
        outcomes.append(outcome := react(row))
        row = replace(outcome.row, last_seq=row.last_seq + len(outcome.entries))
    return outcomes


def _of_purchase(log: Events, purchase_id: UUID, number: int, limit: int) -> tuple[Any, ...]:
    mine = [each for each in log if each.purchase_id == purchase_id]
    found = sorted((each.seq, each.type, each.data, each.traceparent) for each in mine)
    return tuple(each for each in found if each[0] > number)[:limit]


def _of_account(log: Events, account_id: UUID, number: int, limit: int) -> tuple[Any, ...]:
    mine = [each for each in log if each.account_id == account_id]
    found = sorted((each.account_seq, each.type, each.data, each.traceparent) for each in mine)
    return tuple(each for each in found if each[0] > number)[:limit]


DECIDED = {"completed": Status.COMPLETED, "failed": Status.FAILED, "timed_out": Status.TIMED_OUT}


def _last(log: Events, purchase_id: UUID, account_id: UUID) -> tuple[Any, ...]:
    """A purchase is there from its acceptance on, which writes its first event."""
    own = [each for each in log if (each.purchase_id, each.account_id) == (purchase_id, account_id)]
    status = next((DECIDED[each.type] for each in own if each.type in DECIDED), Status.PENDING)
    return (Record(last_seq=own[-1].seq, status=status, type=own[-1].type),) if own else ()


def _newest_of_account(log: Events, account_id: UUID) -> tuple[Any, ...]:
    return tuple(sorted(each.account_seq for each in log if each.account_id == account_id))[-1:]


def _newest(log: Events, purchases: Sequence[UUID], accounts: Sequence[UUID]) -> tuple[Any, ...]:
    newest: dict[UUID, int] = {}
    for each in log:
        if each.purchase_id in purchases:
            newest[each.purchase_id] = each.seq
        if each.account_id in accounts:
            newest[each.account_id] = max(each.account_seq, newest.get(each.account_id, 0))
    return tuple(Record(id=key, last_seq=number) for key, number in newest.items())


READS: Mapping[str, Callable[..., tuple[Any, ...]]] = {
    event_log.OF_PURCHASE: _of_purchase,
    event_log.OF_ACCOUNT: _of_account,
    event_log.LAST: _last,
    event_log.NEWEST_OF_ACCOUNT: _newest_of_account,
    event_log.NEWEST: _newest,
}
"""Every statement that a stream asks, over a log instead of the table."""
