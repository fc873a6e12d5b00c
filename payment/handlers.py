"""Messages in, messages out."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from msgspec.structs import replace

from common.contracts.message import Message, Reply
from common.postgres.database import Transaction
from common.standing import repository as standing
from common.telemetry.context import heard_in
from payment import repository
from payment.calls import Calls
from payment.model import rules
from payment.model.row import Payment
from payment.model.rules import PaymentCommand


async def handle(tx: Transaction, batch: Sequence[Message], *, calls: Calls) -> list[Reply]:
    """The first transaction: what the provider must be asked is written down, and asked after it."""
    heard: defaultdict[UUID, list[PaymentCommand]] = defaultdict(list)
    for command in await standing.keep(tx, batch):
        assert isinstance(command, PaymentCommand)
        heard[command.purchase.id].append(command)
    born = {each: _change(None, commands) for each, commands in heard.items()}
    added = await repository.add(tx, (payment for payment, _ in born.values()), calls.schedule)
    known = await repository.lock(tx, sorted(heard.keys() - added))
    changes = born | {each: _change(payment, heard[each]) for each, payment in known.items()}
    payments = [payment for payment, _ in changes.values()]
    await repository.save(
        tx, (after for after in payments if after.id in known and after != known[after.id]), calls.schedule
    )
    calls.follow(
        tx, (after for after in payments if after.id in added or after.status is not known[after.id].status)
    )
    return [reply for _, replies in changes.values() for reply in replies]


def _change(payment: Payment | None, commands: Sequence[PaymentCommand]) -> rules.Change:
    after, replies = rules.fold(payment, commands)
    trace = heard_in(commands[-1].id) if after.status.waits else None
    return replace(after, traceparent=trace or after.traceparent), replies
