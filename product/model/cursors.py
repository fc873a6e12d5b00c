"""A place in a sorted list as one word, which a client hands back as it was given."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

MOST_LETTERS = 1_200
"""Of a cursor: a name of 200 letters of four bytes, an id, and the list's own name."""

SUM_BYTES = 6


class Torn(ValueError):
    """Not a cursor, not a whole one, or one of another list."""


def write(of: str, place: tuple[Any, ...]) -> str:
    """The sum finds slips of the hand. It hides nothing: a place in a public list is no secret."""
    content = msgspec.msgpack.encode((of, place))
    return _word(_sum(content) + content)


def read(cursor: str, of: str, kind: type[T]) -> T:
    """The place, within the bounds of `kind`. Raises Torn."""
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        content = raw[SUM_BYTES:]
        if _word(_sum(content) + content) != cursor:  # also another spelling of the same bytes
            raise Torn
        named, place = msgspec.msgpack.decode(content, type=tuple[str, msgspec.Raw])
        if named != of:
            raise Torn
        return msgspec.msgpack.decode(place, type=kind)
    except (ValueError, msgspec.MsgspecError) as error:
        raise Torn(str(error)) from error


def _sum(content: bytes) -> bytes:
    return blake2b(content, digest_size=SUM_BYTES).digest()


def _word(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
