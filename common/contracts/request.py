"""What a request is: a question to one service that one of its replicas answers at once."""

from typing import Any, Generic, TypeVar, get_args

import msgspec

A = TypeVar("A")

MOST_BYTES = 65_536
"""Of a question, and of an answer."""


class Request(
    msgspec.Struct, Generic[A], frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"
):
    """A question whose answer is an `A`. Its msgspec tag is its NATS subject, as a message's is.

    It changes nothing, so that it may be lost with the replica that had it, and asked again.
    """


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What comes instead of an answer. `code` is what HTTP would say: 400, 413, 500 or 503."""

    code: int
    detail: str


def subject(kind: type[Request[Any]], of: str = "") -> str:
    """The NATS subject: the service, and what is asked of it. `of`: which one, where all answer the same."""
    tag = kind.__struct_config__.tag
    assert isinstance(tag, str)
    return f"{of}.{tag}" if of else tag


def answer(kind: type[Request[A]]) -> type[A]:
    """What the question declares as its answer."""
    [declared] = kind.__orig_bases__  # type: ignore[attr-defined]  # every generic class has them
    found: type[A] = get_args(declared)[0]
    return found
