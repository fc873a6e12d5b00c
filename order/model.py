"""The rules of an order (protocol 3): one row, one command, one answer. Pure."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from common.contracts.message import Command, Refusal, Reply
from common.contracts.order import (
    ApproveOrder,
    CancelOrder,
    CreateOrder,
    OrderApproved,
    OrderCancelled,
    OrderCreated,
    OrderRefused,
)


class Status(StrEnum):
    """The last two are answers given, not orders: nobody sees them in a list."""

    PROCESSING = "PROCESSING"
    APPROVED = "APPROVED"
    CANCELED = "CANCELED"
    REFUSED = "REFUSED"
    TOMBSTONE = "TOMBSTONE"


class Account(msgspec.Struct, frozen=True):
    """What is known of the buyer: may the order be made, and where does it go."""

    active: bool
    address: str
    phone_number: str


class Order(msgspec.Struct, frozen=True):
    """What decides about the next command. `reason` is why it was refused, for every later attempt (P6)."""

    status: Status
    reason: str | None = None


class Contradiction(Exception):
    """An approval of an undone order, or an undo of an approved one; the one arbiter never says both (P1).

    The row stays as it is and nothing is confirmed: the message ends in the dead letters, for a human.
    """


CANCELLED = "cancelled"
ACCOUNT_INACTIVE = "account_inactive"

MOVES: Mapping[tuple[type[Command], Status], Status] = {
    (CancelOrder, Status.PROCESSING): Status.CANCELED,
    (ApproveOrder, Status.PROCESSING): Status.APPROVED,
}
"""What a command changes; any other leaves the order as it is."""

ANSWERS: Mapping[tuple[type[Command], Status], type[Reply]] = {
    (CreateOrder, Status.PROCESSING): OrderCreated,
    (CreateOrder, Status.APPROVED): OrderCreated,
    (CreateOrder, Status.CANCELED): OrderRefused,
    (CreateOrder, Status.REFUSED): OrderRefused,
    (CreateOrder, Status.TOMBSTONE): OrderRefused,
    (CancelOrder, Status.CANCELED): OrderCancelled,
    (CancelOrder, Status.REFUSED): OrderCancelled,
    (CancelOrder, Status.TOMBSTONE): OrderCancelled,
    (ApproveOrder, Status.APPROVED): OrderApproved,
}
"""What is answered, by the state that the command leaves. What is not here is a contradiction."""


def opened(command: Command, account: Account | None) -> Order | None:
    """The row that the first command of a purchase makes; an approval makes none.

    No clock and no stock: an order is refused only because its account has been closed.
    """
    if isinstance(command, CancelOrder):
        return Order(Status.TOMBSTONE)
    if isinstance(command, CreateOrder):
        assert account is not None
        return Order(Status.PROCESSING) if account.active else Order(Status.REFUSED, ACCOUNT_INACTIVE)
    return None


def obey(order: Order | None, command: Command, account: Account | None = None) -> tuple[Order, Reply]:
    """The row after the command, and the answer. Obeying twice changes nothing and answers the same (P5).

    `account` is needed only where the order is made. Raises Contradiction.
    """
    before = order or opened(command, account)
    if before is None:
        raise Contradiction(f"{command.id}: there is no order")
    kind = type(command)
    after = msgspec.structs.replace(before, status=MOVES.get((kind, before.status), before.status))
    answer = ANSWERS.get((kind, after.status))
    if answer is None:
        raise Contradiction(f"{command.id}: the order is {after.status}")
    return after, _reply(answer, command, after)


def fold(order: Order, commands: Iterable[Command]) -> tuple[Order, list[Reply]]:
    """All that a batch says about one purchase, in its order."""
    replies = []
    for command in commands:
        order, reply = obey(order, command)
        replies.append(reply)
    return order, replies


def _reply(kind: type[Reply], command: Command, order: Order) -> Reply:
    if issubclass(kind, Refusal):
        return kind(cause_id=command.id, purchase=command.purchase, reason=order.reason or CANCELLED)
    return kind.following(command)
