"""What a service takes and answers, as OpenAPI 3.1: Litestar's document, made as strict as the service is.

Litestar forgets that unknown fields are refused, drops a bound of zero, calls every route closed, and
describes errors of its own. Operations are called what their functions are called, and have examples.
"""

import inspect
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler

from common.http import errors
from common.http.auth import ROLES
from common.http.examples import ID, dated, example, problem

Json = dict[str, Any]

PREFIX = "/api/v1"
REFERENCE = "#/components/schemas/{name}"
EVENT_STREAM = "text/event-stream"
HEADERS: dict[int, str] = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}


class Operation(NamedTuple):
    path: str
    method: str
    handler: HTTPRouteHandler
    described: Json


def also(*statuses: int) -> dict[str, tuple[int, ...]]:
    """For `opt`: what a route may answer beside what its shape tells, as a body does 400 and an id 404."""
    return {"also": statuses}


def form(fields: Json, *, needed: Sequence[str]) -> dict[str, Json]:
    """For `opt`: what a route takes that reads a multipart form itself; `fields` are schemas by name."""
    schema = {"type": "object", "properties": fields, "required": list(needed), "additionalProperties": False}
    return {"form": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def like(value: Any) -> dict[str, Any]:
    """For `opt`: an example of a success, where its type says too little."""
    return {"like": value}


def document(app: Litestar) -> Json:
    made = app.openapi_schema.to_schema()
    operations = list(_operations(app, made["paths"]))
    types = [kind for each in operations for kind in (_asked(each.handler), _answered(each.handler))]
    schemas, components = msgspec.json.schema_components(
        [kind or errors.Problem for kind in types] + [errors.Problem], ref_template=REFERENCE
    )
    *pairs, _ = schemas
    dated(components)
    for each, asked, answered in zip(operations, pairs[::2], pairs[1::2], strict=True):
        each.described.update(_named(each), security=_security(each.handler))
        takes_json = "requestBody" in each.described
        if "form" in each.handler.opt:
            each.described["requestBody"] = each.handler.opt["form"]
        each.described["responses"] = _responses(each, answered, components)
        for parameter in each.described.get("parameters", ()):
            parameter["schema"] = _without_null(parameter["schema"])
            if parameter["in"] == "path":
                parameter["example"] = ID
        if takes_json:
            each.described["requestBody"]["content"] = _json(asked, components)
    made["components"] = {"schemas": components, "securitySchemes": _schemes(operations)}
    return {name: _portable(part) for name, part in made.items()}


def _operations(app: Litestar, paths: Json) -> Iterator[Operation]:
    for route in app.routes:
        path = getattr(route, "path_format", route.path)
        for handler in getattr(route, "route_handlers", ()):
            for method in handler.http_methods:
                described = paths.get(path, {}).get(method.lower())
                if described is not None:
                    yield Operation(path, method, handler, described)


def _named(operation: Operation) -> Json:
    """By the function: a sentence about it, what its docstring says, and the first word of its path."""
    name: str = operation.handler.fn.__name__
    named = {
        "operationId": name,
        "summary": name.replace("_", " ").capitalize(),
        "tags": [operation.path.removeprefix(PREFIX).split("/")[1]],
    }
    told = inspect.getdoc(operation.handler.fn)
    return named | ({"description": told} if told else {})


def _asked(handler: HTTPRouteHandler) -> Any:
    """The type of the body; None without one."""
    field = handler.parsed_data_field
    return field.raw if field is not None else None


def _answered(handler: HTTPRouteHandler) -> Any:
    """The type of what a success brings; None for nothing, and for a stream."""
    kind = handler.parsed_fn_signature.return_type
    if handler.media_type == EVENT_STREAM:
        return None
    if kind.is_subclass_of(Response):
        kind = kind.inner_types[0]
    return None if kind.annotation in {None, type(None)} else kind.raw


def _security(handler: HTTPRouteHandler) -> list[Json]:
    """By the guards, with the role that they want: whose a thing must be, no document can say."""
    if handler.opt.get("public"):
        return []
    roles = _roles(handler)
    return [{scheme: roles} for scheme in ("bearer", "cookie") if scheme == "bearer" or scheme in handler.opt]


def _roles(handler: HTTPRouteHandler) -> list[str]:
    guards = [getattr(guard, "fn", guard) for guard in handler.guards or ()]
    return [ROLES[guard] for guard in guards if guard in ROLES]


def _schemes(operations: list[Operation]) -> Json:
    bearer = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    name = next((each.handler.opt["cookie"] for each in operations if "cookie" in each.handler.opt), None)
    return bearer | ({"cookie": {"type": "apiKey", "in": "cookie", "name": name}} if name else {})


def _responses(operation: Operation, answered: Json, components: Json) -> Json:
    handler = operation.handler
    success: Json = {"description": HTTPStatus(handler.status_code).phrase}
    if handler.media_type == EVENT_STREAM:
        # No schema: to some tools that of 3.1 is an event's, to others the whole stream's.
        success["content"] = {EVENT_STREAM: {"example": handler.opt["like"]}}
    elif _answered(handler) is not None:
        success["content"] = _json(answered, components, handler.opt.get("like"))
    return {str(handler.status_code): success} | {
        str(status): _other(status, _roles(handler)) for status in sorted(_others(operation))
    }


def _json(schema: Json, components: Json, like: Any = None) -> Json:
    shown = example(schema, components) if like is None else like
    return {"application/json": {"schema": schema, "example": shown}}


def _others(operation: Operation) -> set[int]:
    """Whatever else the shape of the route tells that it may answer, and what it says itself."""
    handler, described = operation.handler, operation.described
    takes_a_body = "requestBody" in described
    told = {
        400: takes_a_body or "parameters" in described,
        401: not handler.opt.get("public"),
        403: bool(handler.guards),
        404: "{" in operation.path,
        413: takes_a_body,
        415: takes_a_body,
        503: True,
    }
    return {status for status, is_so in told.items() if is_so} | set(handler.opt.get("also", ()))


def _other(status: int, roles: Sequence[str]) -> Json:
    answer: Json = {"description": HTTPStatus(status).phrase}
    if status >= 400:
        schema = {"$ref": REFERENCE.format(name=errors.Problem.__name__)}
        answer["content"] = {errors.MEDIA_TYPE: {"schema": schema, "example": problem(status, roles)}}
    if status in HEADERS:
        answer["headers"] = {HEADERS[status]: {"schema": {"type": "string"}}}
    return answer


def _without_null(schema: Json) -> Json:
    """A parameter is left out or has a value: a query string knows no null."""
    kinds: list[Json] = [kind for kind in schema.get("oneOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return {name: value for name, value in schema.items() if name != "oneOf"} | kinds[0]


def _portable(value: Any) -> Any:
    """Patterns in the dialect of JSON Schema, where `$` is nowhere but at the end."""
    if isinstance(value, dict):
        return {name: _portable(each) for name, each in value.items()} | (
            {"pattern": value["pattern"].replace(r"$(?!\n)", "$").replace(r"\Z", "$")}
            if isinstance(value.get("pattern"), str)
            else {}
        )
    return [_portable(each) for each in value] if isinstance(value, list) else value
