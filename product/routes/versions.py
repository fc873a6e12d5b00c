"""Versions on the wire: the ETag of what is shown, and the one that is to be changed."""

from typing import Annotated, TypeVar

from litestar import Response
from litestar.params import HeaderParameter

from common.http.errors import Refused
from product.model.catalogue import Versioned

V = TypeVar("V", bound=Versioned)

IfMatch = Annotated[
    str | None,
    HeaderParameter(name="If-Match", max_length=1000, description="The ETag that is to be changed."),
]


def tagged(thing: V, status_code: int = 200) -> Response[V]:
    return Response(thing, status_code=status_code, headers={"ETag": thing.etag})


def require_meant(thing: Versioned, if_match: str | None) -> None:
    if not thing.is_meant_by(if_match):
        raise Refused(412, "version_mismatch", "It has changed in the meantime.")
