"""Cursors on the wire."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from litestar.params import QueryParameter

from common.http.errors import InvalidField
from product.model.cursors import MOST_LETTERS, Torn

P = TypeVar("P")

Word = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=MOST_LETTERS,
        schema_extra={"format": "cursor"},
        description="`next` of the page before, of the same list in the same order.",
    ),
]


def understood(place: Callable[[str, Any], P], cursor: str, of: object) -> P:
    """The place that it means in that list."""
    try:
        return place(cursor, of)
    except Torn as error:
        raise InvalidField(
            "cursor", "Not a cursor of this list.", code="invalid_cursor", status=400
        ) from error
