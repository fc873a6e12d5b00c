"""`limit` and `offset` or `cursor` of lists; answers carry `items`, `next` and, where promised, `total`."""

from typing import Annotated, Generic, TypeVar
from uuid import UUID

import msgspec
from litestar.params import QueryParameter

T = TypeVar("T")

MOST_OFFSET = 1_000_000

Limit = Annotated[int, QueryParameter(ge=1, le=100, description="How many items at most.")]
Offset = Annotated[int, QueryParameter(ge=0, le=MOST_OFFSET, description="How many items to skip.")]
Cursor = Annotated[UUID | None, QueryParameter(description="`next` of the page before.")]


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """`next` is the cursor of the page that follows; null on the last one."""

    items: list[T]
    next: UUID | None


class SortedPage(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A page of a list that is not sorted by id alone: its cursor is a word that fits this list only."""

    items: list[T]
    next: str | None


class CountedPage(Page[T], Generic[T], frozen=True, kw_only=True):
    total: int
