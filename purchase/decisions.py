"""How outcomes are written: log and rows in the caller's transaction; browsers hear after the commit."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial

from common.contracts.message import Message
from common.messaging.outbox import Outbox
from common.messaging.paths import Paths
from common.postgres.database import Transaction
from purchase import event_log, repository
from purchase.event_log import Event
from purchase.measures import PurchaseMeasures
from purchase.model import Outcome

Announce = Callable[[Sequence[Event]], None]
"""Tells the followers of this process and of the others; at most once, they check against the log."""


class Decisions:
    """One statement per table, however many outcomes."""

    def __init__(self, announce: Announce, *, redrive_after: float, paths: Paths | None = None) -> None:
        self.announce = announce
        self.redrive_after = redrive_after
        self.measures = PurchaseMeasures()
        self._paths = paths or Paths()

    def path_of(self, messages: Iterable[Message]) -> str:
        """On which ways they came, as far as that is known."""
        return "\n".join(filter(None, (self._paths.of(each.id) for each in messages)))

    async def write(self, tx: Transaction, outcomes: Sequence[Outcome]) -> list[Message]:
        """Returns what is to be said. The purchases are locked by the caller, in id order."""
        numbered, places = event_log.numbered(outcomes, datetime.now(UTC))
        if numbered:
            await repository.save(tx, numbered, self.redrive_after)
        if events := await event_log.append(tx, places, event_log.paths_of(outcomes)):
            tx.after_commit(lambda: self.announce(events))
        if outcomes:
            tx.after_commit(partial(self.measures.note, outcomes))
        return [message for outcome in outcomes for message in outcome.said]

    async def write_and_say(self, tx: Transaction, outbox: Outbox, outcomes: Sequence[Outcome]) -> None:
        """For what no message caused: its words continue the purchase's own trace."""
        said = await self.write(tx, outcomes)
        await outbox.put(tx, said, {str(outcome.row.id): outcome.row.traceparent for outcome in outcomes})
