"""JSON bodies and queries, taken at their word."""

import json
import re
from collections import Counter
from functools import cache
from typing import Any, get_args
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import ClientException, InternalServerException, ValidationException
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler

from common.http.errors import InvalidField, Refused

JSON = re.compile(r"application/json *(; *charset=\"?utf-8\"? *)?", re.IGNORECASE)


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
        self._require_plain_json()
        body = await self.body()
        try:
            value = _decoder(handler).decode(body)
            _KEYS.decode(body.decode())
        except _Twice as error:
            raise ValidationException(extra=[{"key": str(error), "message": "Expected once"}]) from error
        except msgspec.ValidationError as error:
            detail, _, where = str(error).partition(" - at `$")
            raise ValidationException(extra=[{"key": where.strip(".`"), "message": detail}]) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ClientException("The body is not JSON.") from error
        return value

    def _require_plain_json(self) -> None:
        """A browser sends anything else to any site without asking; and nothing here is ever unpacked."""
        kind, encoding = (self.headers.get(f"content-{name}", "") for name in ("type", "encoding"))
        if not JSON.fullmatch(kind) or encoding.lower() not in {"", "identity"}:
            raise Refused(
                415, "unsupported_media_type", "Expected application/json, in UTF-8 and not packed."
            )


@cache
def _decoder(handler: HTTPRouteHandler) -> msgspec.json.Decoder[Any]:
    """Made once: to understand the type takes longer than most bodies."""
    field = handler.parsed_data_field
    assert field is not None
    return msgspec.json.Decoder(field.raw)


class _Twice(Exception):
    """A key of an object comes again: which value counts depends on who reads it."""


def _once(members: list[tuple[str, Any]]) -> None:
    if len(dict(members)) < len(members):
        raise _Twice(next(name for name, times in Counter(name for name, _ in members).items() if times > 1))


_KEYS = json.JSONDecoder(object_pairs_hook=_once)
"""What it makes of a body is of no interest."""


async def plainly_asked(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """A guard. Every parameter once, and `null` is a text: Litestar takes one of two, and `null` for nothing.
    All of it is UTF-8, without NUL.

    Raises Refused 400.
    """
    query = connection.scope["query_string"].decode("latin-1")
    try:
        asked = parse_qsl(query, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise Refused(400, "invalid", "The query is not UTF-8.") from error
    for name, times in Counter(name for name, _ in asked).items():
        if times > 1:
            raise InvalidField(name, "Expected once", status=400)
    texts = _texts(handler)
    for name, value in asked:
        if "\0" in value:
            raise InvalidField(name, "Expected no NUL", status=400)
        if value.lower() == "null" and name not in texts:
            raise InvalidField(name, "Expected a value, or nothing at all", status=400)


def _texts(handler: BaseRouteHandler) -> set[str]:
    """The parameters that take any text, of the route and of what it is given."""
    provided = [each.parsed_fn_signature for each in handler.resolve_dependencies().values()]
    return {
        getattr(field.kwarg_definition, "name", None) or field.name
        for signature in (handler.parsed_fn_signature, *provided)
        for field in signature.parameters.values()
        if str in {field.annotation, *get_args(field.annotation)}
    }
