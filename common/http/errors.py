"""Every error as RFC 9457 problem+json: `errors[]` per field, the trace id, never a stack trace."""

import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.utils.scope.state import ScopeState

from common.postgres.database import UNAVAILABLE
from common.telemetry import context

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class FieldError(msgspec.Struct, frozen=True):
    """`field` is a path into the body, such as `order_items[0].quantity`, or a parameter's name."""

    field: str
    detail: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of every error answer."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    code: str = ""
    errors: list[FieldError] = []
    trace_id: str | None = None


class Refused(HTTPException):
    """A domain's no. `code` is stable for programs, `detail` is for people."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str = "",
        *,
        errors: Iterable[FieldError] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail=detail or code, status_code=status, headers=headers)
        self.code = code
        self.errors = list(errors)


class NotFound(Refused):
    """Unknown, or not the caller's: the two must look the same."""

    def __init__(self, what: str) -> None:
        super().__init__(404, "not_found", f"No such {what}.")


class InvalidField(Refused):
    """Well-formed, but not acceptable: 422 by default."""

    def __init__(self, field: str, detail: str, *, code: str = "invalid", status: int = 422) -> None:
        super().__init__(status, code, detail, errors=[FieldError(field, detail)])


def respond(
    status: int,
    *,
    detail: str = "",
    code: str = "",
    errors: list[FieldError] | None = None,
    headers: dict[str, str] | None = None,
) -> Response[Any]:
    problem = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        errors=errors or [],
        trace_id=context.trace_id(),
    )
    return Response(msgspec.json.encode(problem), status_code=status, media_type=MEDIA_TYPE, headers=headers)


def on_http_exception(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    if isinstance(error, ValidationException):
        return respond(
            400, detail="The request is not valid.", code="invalid", errors=_fields(request, error)
        )
    if error.status_code >= 500 and not isinstance(error, Refused):
        log.error("%s %s", request.method, request.url.path, exc_info=error)
        return respond(error.status_code, code="internal")
    code = error.code if isinstance(error, Refused) else HTTPStatus(error.status_code).name.lower()
    errors = error.errors if isinstance(error, Refused) else []
    return respond(
        error.status_code, detail=error.detail, code=code, errors=errors, headers=dict(error.headers or {})
    )


def on_unavailable(_request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    log.warning("answering 503: %r", error)
    return respond(503, detail="Try again shortly.", code="unavailable", headers={"Retry-After": "1"})


def on_too_deep(_request: Request[Any, Any, Any], _error: RecursionError) -> Response[Any]:
    """The JSON decoder gave up; nothing of ours recurses."""
    return respond(400, detail="The body is nested too deeply.", code="bad_request")


def on_any_other(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    log.error("%s %s", request.method, request.url.path, exc_info=error)
    return respond(500, code="internal")


HANDLERS: dict[int | type[Exception], Any] = {
    HTTPException: on_http_exception,
    Exception: on_any_other,
    TimeoutError: on_unavailable,
    RecursionError: on_too_deep,
    **dict.fromkeys(UNAVAILABLE, on_unavailable),
}


def _fields(request: Request[Any, Any, Any], error: ValidationException) -> list[FieldError]:
    """All that is wrong with a JSON body, not just the first thing; else what the framework found."""
    handler = request.scope["route_handler"]
    data = handler.parsed_data_field if isinstance(handler, HTTPRouteHandler) else None
    body = ScopeState.from_scope(request.scope).body  # read already, or there would be nothing to complain of
    kind = data.annotation if data is not None else None
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        found = list(violations(_parsed(body), kind))
        if found:
            return found
    extra = error.extra if isinstance(error.extra, list) else []
    return [FieldError(str(each.get("key", "")), str(each.get("message", ""))) for each in extra]


def _parsed(body: Any) -> Any:
    """None where nothing can be looked into: the decoder refuses a body before it sees its malformed part."""
    try:
        return msgspec.json.decode(body) if isinstance(body, bytes) and body else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def violations(value: Any, kind: Any, path: str = "") -> Iterable[FieldError]:
    """msgspec stops at the first violation; this asks it field by field."""
    if not isinstance(value, dict):
        yield FieldError(path or "body", "Expected an object")
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name in value.keys() - fields.keys():
        yield FieldError(f"{path}{name}", "Unknown field")
    for name, field in fields.items():
        if name not in value:
            if field.required:
                yield FieldError(f"{path}{name}", "Missing")
            continue
        try:
            msgspec.convert(value[name], field.type)
        except msgspec.ValidationError as error:
            detail, _, where = str(error).partition(" - at `$")
            yield FieldError(f"{path}{name}{where.rstrip('`')}", detail)
