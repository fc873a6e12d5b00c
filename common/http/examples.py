"""An example of whatever goes in and out, made from its schema: by its own examples, else by what a field is
called, else by its shape. The same every time.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from common.http.errors import FieldError, Problem

Json = dict[str, Any]

ID = "0199c2f4-7d1a-7c3e-9b52-5a3d0c6f8e21"
MOMENT = "2026-01-31T09:30:00Z"
FALLBACK = "text"
"""For a text whose name says nothing here: a test finds it."""

BY_FORMAT = {"uuid": ID, "date-time": MOMENT, "date": "2026-01-31"}
WORDS: Mapping[str, Any] = {
    # messages
    "subject": "cmd.order.create_order",
    "consumer": "order",
    # people
    "email": "ann@example.com",
    **dict.fromkeys(("password", "current_password"), "correct-horse-battery"),
    "new_password": "battery-staple-correct",
    "first_name": "Ann",
    "last_name": "Lee",
    "address": "1 Main Street",
    "phone_number": "+84901234567",
    "role": "customer",
    "user_agent": "Mozilla/5.0",
    "access_token": "an.access.token",
    "refresh_token": "a-refresh-token",
    "expires_in": 900,
    # goods
    "name": "Desk lamp",
    "description": "Bends",
    "brand_name": "Acme",
    "currency_code": "VND",
    **dict.fromkeys(("price", "unit_price"), 250_000),
    "quantity": 2,
    **dict.fromkeys(("total", "amount"), 500_000),
    **dict.fromkeys(("inventory", "available", "change"), 10),
    "version": 1,
    # purchases
    "method": "credit_card",
    "status": "PROCESSING",
    "settled": False,
    "cause_id": f"cmd.product.reserve_stock:{ID}:1",
    # pictures
    "content_type": "image/jpeg",
    "url": "https://pictures.example.com/lamp.jpg",
    "alt": "A lamp that bends",
    **dict.fromkeys(("width", "height"), 960),
    "size": 48_213,
}
PROBLEMS: Mapping[int, tuple[str, str]] = {
    400: ("invalid", "The request is not valid."),
    401: ("unauthorized", "An access token is needed."),
    403: ("forbidden", "This is somebody else's."),
    404: ("not_found", "No such thing."),
    409: ("conflict", "It is too late for this."),
    412: ("version_mismatch", "It has changed in the meantime."),
    413: ("too_large", "That is more than anybody may send."),
    415: ("unsupported_media_type", "Expected application/json, in UTF-8 and not packed."),
    422: ("invalid", "Understood, but not acceptable."),
    429: ("too_many_tries", "Wait before you try again."),
    503: ("unavailable", "Try again shortly."),
}
"""`code` and `detail` as they may be; what a route says exactly, it says itself."""

NOT_THAT_ROLE: Mapping[str, tuple[str, str]] = {
    "verified": ("not_verified", "Confirm your e-mail address first."),
    "admin": ("forbidden", "Only an administrator may do this."),
}
"""A 403 by the role that is wanted."""

BEGINNINGS = {"PENDING", "AUTHORIZED", "received"}
"""Of several values, the one that a story begins with."""


def dated(components: Mapping[str, Json]) -> None:
    """What is called `at`, or so in the end, is a moment: msgspec says so only where a zone is a must."""
    for component in components.values():
        for name, field in component.get("properties", {}).items():
            for kind in (field, *field.get("anyOf", ())):
                if name.split("_")[-1] == "at" and kind.get("type") == "string":
                    kind["format"] = "date-time"


def problem(status: int, roles: Sequence[str] = ()) -> Json:
    """`roles`: that the route wants."""
    code, detail = NOT_THAT_ROLE[roles[0]] if status == 403 and roles else PROBLEMS[status]
    wrong = [FieldError("price", "Expected `int` >= 1")] if code == "invalid" else []
    made = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        errors=wrong,
        trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
    )
    told: Json = msgspec.to_builtins(made)
    return told


def example(schema: Json, components: Mapping[str, Json], name: str = "") -> Any:
    """`components`: the schemas that it refers to. `name`: of the field that it describes."""
    if "$ref" in schema:
        return example(components[schema["$ref"].rsplit("/", 1)[1]], components, name)
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return next((each for each in schema["enum"] if each in BEGINNINGS), schema["enum"][0])
    kinds = schema.get("anyOf", ())
    if {"type": "null"} in kinds and name not in WORDS:
        return None
    if kinds:
        return example(next(each for each in kinds if each != {"type": "null"}), components, name)
    return _shaped(schema, components, name)


def _shaped(schema: Json, components: Mapping[str, Json], name: str) -> Any:
    match schema.get("type"):
        case "object":
            return _object(schema, components)
        case "array":
            items = schema["items"]
            return [example(items, components, name)] if items else []
        case "boolean":
            return schema.get("default", WORDS.get(name) is not False)
        case "integer" | "number":
            return _number(schema, name)
        case "string":
            return (
                BY_FORMAT.get(schema.get("format", "")) or schema.get("default") or WORDS.get(name, FALLBACK)
            )
        case _:
            return None


def _object(schema: Json, components: Mapping[str, Json]) -> Json:
    """What may be left out is left out where nothing can be said of it."""
    made = {name: example(field, components, name) for name, field in schema.get("properties", {}).items()}
    needed = schema.get("required", ())
    return {name: value for name, value in made.items() if value is not None or name in needed}


def _number(schema: Json, name: str) -> Any:
    word = WORDS.get(name)
    if isinstance(word, int):
        return word
    return schema.get("default") or schema.get("minimum", 1)
