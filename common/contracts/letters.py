"""What an operator asks any service about its dead letters, and what he may do with them.

The subjects are the same for every service, behind its name: `order.dead_letters.list`. Unlike other
requests some change something: such a one has a key of its own, under which it is done once, however often it
is asked.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from common.contracts.request import Request

PART = 32_768
"""Bytes of a payload that one answer carries."""

MOST_EDITED = 40_000
"""Bytes of a payload that one question carries."""

PAGE = 50
"""Letters of one answer."""

By = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Reason = Annotated[str, msgspec.Meta(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
Why = Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
Offset = Annotated[int, msgspec.Meta(ge=0, le=2**30)]
Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """A letter that waits for somebody. `error` is the newest: of the last attempt, if there was one."""

    id: int
    durable: str
    subject: str
    message_id: str | None
    deliveries: int
    error: str
    parked_at: datetime
    size: int
    edited: bool


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What was done with a letter: begun, failed, retried, edited or discarded."""

    action: str
    at: datetime
    by: str
    reason: str
    error: str | None


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """All of a letter but its payload, whose size is None once it is forgotten."""

    id: int
    durable: str
    subject: str
    message_id: str | None
    deliveries: int
    error: str
    parked_at: datetime
    size: int | None
    headers: dict[str, str]
    trail: list[Entry]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Of a payload as it would be tried now, or as it came, from the offset that was asked for."""

    payload: bytes
    size: int


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """`failed`: tried, and nothing has changed; `over`: somebody has dealt with it before.

    `lost`: whoever had begun says nothing; the process may have ended by it.
    """

    result: Literal["done", "failed", "over", "unknown", "lost"]
    detail: str = ""


class ListLetters(Request[list[Open]], frozen=True, kw_only=True, tag="dead_letters.list"):
    """The open ones in order of their ids, a page of them: the next one begins after the last of this."""

    after: Number = 0


class ShowLetter(Request[Letter | None], frozen=True, kw_only=True, tag="dead_letters.show"):
    letter_id: Number


class ReadLetter(Request[Part | None], frozen=True, kw_only=True, tag="dead_letters.read"):
    """`original`: as it came, whatever it was edited to."""

    letter_id: Number
    offset: Offset = 0
    original: bool = False


class RetryLetter(Request[Done], frozen=True, kw_only=True, tag="dead_letters.retry"):
    """Handled again, by the code that could not: its effect, its words and the letter's end, or nothing."""

    letter_id: Number
    key: UUID
    by: By
    reason: Reason = ""


class EditLetter(Request[Done], frozen=True, kw_only=True, tag="dead_letters.edit"):
    """What is tried from now on; what came is kept beside it."""

    letter_id: Number
    key: UUID
    by: By
    reason: Reason = ""
    payload: Annotated[bytes, msgspec.Meta(max_length=MOST_EDITED)]


class DiscardLetter(Request[Done], frozen=True, kw_only=True, tag="dead_letters.discard"):
    letter_id: Number
    key: UUID
    by: By
    reason: Why


QUESTIONS: tuple[type[Request[Any]], ...] = (
    ListLetters,
    ShowLetter,
    ReadLetter,
    RetryLetter,
    EditLetter,
    DiscardLetter,
)
"""What every service with a database answers, to the operator alone."""
