"""What a message is. Its msgspec tag is its NATS subject, so wire, type and search share one string.

Ids are derived, never drawn (protocol P8): a retry makes a duplicate, never a second effect.
"""

from collections.abc import Iterable
from datetime import date, datetime
from functools import cache
from typing import Annotated, Literal, Self, TypeVar
from uuid import UUID

import msgspec


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a purchase; name, brand and price are empty until product has answered."""

    product_id: UUID
    quantity: Annotated[int, msgspec.Meta(ge=1)]
    name: str = ""
    brand_name: str = ""
    unit_price: int = 0


class Purchase(msgspec.Struct, frozen=True, kw_only=True):
    """The context that travels with every word of a saga: the orchestrator needs no memory.

    `issued_on` is the date on which the attempt started, copied by everyone: inboxes are partitioned by it.
    `deadline_at` is informative: only the purchase service acts on it (P9, P13).
    """

    id: UUID
    attempt: int
    account_id: UUID
    items: tuple[Item, ...]
    total: int = 0
    currency_code: str
    method: str
    installments: int
    payment_token: str | None = None
    issued_on: date
    deadline_at: datetime


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """One word between services. `cause_id` is the id of the message it answers or follows from.

    `v` is the version of the word, which a field that may be left out does not change. Who reads another one
    has not learnt it yet: that message is parked, for a later release to be given again.
    """

    v: Literal[1] = 1
    cause_id: str | None = None

    @property
    def id(self) -> str:
        """Unique over the whole system, equal for every repetition."""
        raise NotImplementedError

    @property
    def correlation_id(self) -> str:
        """What the message is about: the purchase, or the aggregate that changed."""
        raise NotImplementedError

    @property
    def dated(self) -> date:
        """The inbox partition of this message."""
        raise NotImplementedError


class PurchaseMessage(Message, frozen=True, kw_only=True):
    """A word of a saga. One per purchase, subject and attempt."""

    purchase: Purchase

    @property
    def id(self) -> str:
        return f"{subject(type(self))}:{self.purchase.id}:{self.purchase.attempt}"

    @property
    def correlation_id(self) -> str:
        return str(self.purchase.id)

    @property
    def dated(self) -> date:
        return self.purchase.issued_on

    @classmethod
    def following(cls, cause: "PurchaseMessage") -> Self:
        """The same purchase, one word on."""
        return cls(cause_id=cause.id, purchase=cause.purchase)


class Command(PurchaseMessage, frozen=True, kw_only=True):
    """Addressed to one service."""


class Event(PurchaseMessage, frozen=True, kw_only=True):
    """Something happened to a purchase."""


class Reply(Event, frozen=True, kw_only=True):
    """What a participant answers. One per message it answers, whatever the answer."""

    @property
    def id(self) -> str:
        return f"{self.cause_id}:r"


class Refusal(Reply, frozen=True, kw_only=True):
    """A participant's no: data, not an error. Sticky (P6)."""

    reason: str


class EntityEvent(Message, frozen=True, kw_only=True):
    """The state of one aggregate after a change; a lower version never overwrites a higher one."""

    entity_id: UUID
    version: int
    issued_on: date

    @property
    def id(self) -> str:
        return f"{subject(type(self))}:{self.entity_id}:{self.version}"

    @property
    def correlation_id(self) -> str:
        return str(self.entity_id)

    @property
    def dated(self) -> date:
        return self.issued_on


E = TypeVar("E", bound=EntityEvent)


def newest(states: Iterable[E]) -> Iterable[E]:
    """One per aggregate."""
    last: dict[UUID, E] = {}
    for state in states:
        known = last.get(state.entity_id)
        if known is None or known.version < state.version:
            last[state.entity_id] = state
    return last.values()


@cache
def subject(kind: type[Message]) -> str:
    """The NATS subject of a message type; asked several times for every message."""
    tag = kind.__struct_config__.tag
    assert isinstance(tag, str)
    return tag
