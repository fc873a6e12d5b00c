"""JSON bodies, taken at their word."""

from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import ClientException, InternalServerException, ValidationException
from litestar.handlers import HTTPRouteHandler


class StrictRequest(Request[Any, Any, Any]):
    """Decodes a body straight into what its handler takes: there, `"1"` is no number and `1` no text.

    Litestar itself would convert JSON as leniently as a query string, and forget the bounds of a list.
    """

    async def body(self) -> bytes:
        try:
            return await super().body()
        except InternalServerException as error:  # so Litestar calls a client that left: no fault of ours
            raise ClientException("The body did not come to its end.") from error

    async def json(self) -> Any:
        handler = self.scope["route_handler"]
        field = handler.parsed_data_field if isinstance(handler, HTTPRouteHandler) else None
        if field is None:
            return await super().json()
        try:
            return msgspec.json.decode(await self.body(), type=field.raw)
        except msgspec.ValidationError as error:
            detail, _, where = str(error).partition(" - at `$")
            raise ValidationException(extra=[{"key": where.strip(".`"), "message": detail}]) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ClientException("The body is not JSON.") from error
