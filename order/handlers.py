"""Messages in, messages out: one batch, one transaction (protocol 3)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from common.contracts.account import AccountState
from common.contracts.message import Command, Message, newest
from common.contracts.order import CreateOrder
from common.messaging.consumer import NotYet
from common.postgres.database import Transaction
from common.standing import repository as standing
from order import model, repository
from order.model import Account, Order
from order.repository import Opening


async def handle(tx: Transaction, batch: Sequence[Message]) -> list[Message]:
    """Addresses first, so that an order goes to the newest one."""
    await standing.keep(tx, batch)
    await repository.keep_accounts(tx, newest(each for each in batch if isinstance(each, AccountState)))
    return await obey(tx, [each for each in batch if isinstance(each, Command)])


async def obey(tx: Transaction, commands: Sequence[Command]) -> list[Message]:
    accounts = await buyers(tx, commands)
    told: defaultdict[UUID, list[Command]] = defaultdict(list)
    for command in commands:
        told[command.purchase.id].append(command)
    before = await locked(tx, {order_id: first for order_id, (first, *_) in told.items()}, accounts)
    folded = {order_id: model.fold(before[order_id], told[order_id]) for order_id in told}
    await repository.move(
        tx,
        {order_id: after.status for order_id, (after, _) in folded.items() if after != before[order_id]},
    )
    return [reply for _, replies in folded.values() for reply in replies]


async def buyers(tx: Transaction, commands: Iterable[Command]) -> dict[UUID, Account]:
    """An account that has not been heard of yet is waited for, not guessed."""
    wanted = {command.purchase.account_id for command in commands if isinstance(command, CreateOrder)}
    accounts = await repository.accounts(tx, wanted)
    if unknown := wanted - accounts.keys():
        raise NotYet(f"no address is known of {len(unknown)} accounts, such as {min(unknown)}")
    return accounts


async def locked(
    tx: Transaction, firsts: Mapping[UUID, Command], accounts: Mapping[UUID, Account]
) -> dict[UUID, Order]:
    """Every purchase's row, locked: the new ones as their first command makes them, the others as they are.

    What the first command has opened it then finds done, and answers as if it had come again.
    """
    made = {order_id: opening(first, accounts) for order_id, first in firsts.items()}
    openings = {order_id: each for order_id, each in made.items() if each}
    new = await repository.open_orders(tx, openings.values())
    there = await repository.lock(tx, firsts.keys() - new)
    if missing := firsts.keys() - new - there.keys():
        raise model.Contradiction(f"approved without an order: {min(missing)}")
    return there | {order_id: openings[order_id].order for order_id in new}


def opening(first: Command, accounts: Mapping[UUID, Account]) -> Opening | None:
    account = accounts.get(first.purchase.account_id)
    order = model.opened(first, account)
    return Opening(first, order, account) if order else None
