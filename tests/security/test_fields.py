"""Nobody says more than a body has or hears more than an answer has (API3); no address goes in (API7)."""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from common.ids import new_id
from tests.security.cast import Cast
from tests.security.served import Json, Route

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORBIDDEN = (
    *("is_admin", "role", "status", "price", "amount", "account_id", "id", "verified"),
    *("owner_id", "seller_id", "total", "active", "version", "__proto__", "constructor"),
)
PERSONAL = {"id", "email", "first_name", "last_name", "verified", "role"}
CATEGORY = {"id", "owner_id", "name", "description", "version", "created_at", "updated_at"}
PRODUCT = CATEGORY - {"owner_id"} | {"seller_id", "category_id", "brand_name", "price"}
PRODUCT |= {"currency_code", "inventory"}
PURCHASE = {"id", "status", "reason", "settled", "steps", "items", "total", "currency_code", "method"}
ALLOWED: Mapping[str, set[str]] = {
    "Personal": PERSONAL,
    "Delivery": {"address", "phone_number"},
    "AccountView": PERSONAL | {"phone_number", "active", "created_at"},
    "TokenPair": {"access_token", "refresh_token", "token_type", "expires_in", "account"},
    "Session": {"id", "user_agent", "created_at", "last_used_at", "current"},
    "Category": CATEGORY,
    "Product": PRODUCT,
    "Movement": {
        "version",
        "position",
        "kind",
        "change",
        "available",
        "account_id",
        "purchase_id",
        "moved_at",
    },
    "Check": {"available", "items"},
    "Verdict": {"product_id", "quantity", "available", "reason"},
    "OrderView": {"id", "account_id", "status", "items", "total", "currency_code", "delivery", "created_at"},
    "LineView": {"product_id", "name", "brand_name", "price", "quantity", "total"},
    "PaymentMethods": {"items"},
    "PaymentMethod": {"method", "max_installments"},
    "PaymentView": {"id", "status", "reason", "amount", "currency_code", "method", "installments"}
    | {"created_at"},
    "PurchaseView": PURCHASE | {"installments", "created_at", "deadline_at", "decided_at", "timing"},
    "HopView": {"subject", "consumer", "said_at", "outbox_ms", "stream_ms", "queue_ms", "handler_ms"},
    "Item": {"product_id", "quantity", "name", "brand_name", "unit_price"},
    "MediaView": {"id", "product_id", "kind", "content_type", "url", "thumbnails", "alt", "width", "height"}
    | {"size", "created_at"},
    "Thumbnail": {"url", "width", "height"},
    "Uploaded": {"items"},
    "UploadLink": {"id", "method", "url", "expires_at"},
    "Link": {"url", "expires_at"},
    "Problem": {"type", "title", "status", "detail", "code", "errors", "trace_id"},
    "FieldError": {"field", "detail"},
}
LISTS = ({"items", "next"}, {"items", "next", "total"})
KEYS = {"GET /account/jwks"}
"""An answer without a struct: public keys, as RFC 7517 has them."""
SECRET = ("password", "hash", "secret", "provider", "authorization_id", "payment_token", "idempotency")


def minimal(route: Route, schema: Json) -> Any:
    """The least that a body has to say."""
    schema = route.resolved(schema)
    if schema["type"] == "object":
        needed = schema.get("required", ())
        return {name: minimal(route, schema["properties"][name]) for name in needed}
    if schema["type"] == "array":
        return [minimal(route, schema["items"])]
    if schema["type"] == "integer":
        return schema.get("minimum", 1)
    return str(new_id()) if schema.get("format") == "uuid" else schema.get("examples", ["ABC"])[0]


def with_field(route: Route, path: str, name: str) -> Any:
    """A body with one field more, in the object at the path."""
    body = minimal(route, route.body or {})
    place = body
    for part in path.replace("[]", ".[]").strip(".").split(".") if path else ():
        schema_default = {"currency_code": "VND"}
        place = place[0] if part == "[]" else place.setdefault(part, schema_default)
    place[name] = True
    return body


def extra_fields(routes: list[Route]) -> Iterator[tuple[Route, str, str]]:
    for route in routes:
        for path, schema in route.objects():
            for name in FORBIDDEN:
                if name not in schema["properties"]:
                    yield route, path, name


async def test_no_body_takes_a_field_that_it_does_not_have(
    shop: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    cases, wrong = list(extra_fields(shop.routes)), []
    admin = await shop.headers("admin")
    owned = {name: await shop.owned(name) for name in ("category_id", "product_id", "account_id")}
    for route, path, name in cases:
        asked = route.path.format(**owned)
        answer = await shop.ask(route.method, asked, headers=admin, body=with_field(route, path, name))
        errors = answer.json.get("errors", [])
        named = any(name in error["field"] + error["detail"] for error in errors)
        if answer.status != 400 or not named:
            wrong.append((route.name, path, name, answer.status, answer.text))
    with capsys.disabled():
        sys.stdout.write(f"\n{len(cases)} bodies with a field too many\n")
    assert len(cases) > 200
    assert wrong == []


async def test_every_object_of_a_body_is_closed_in_its_document(shop: Cast) -> None:
    for route in shop.routes:
        for path, schema in route.objects():
            assert schema["additionalProperties"] is False, (route.name, path)


async def test_an_answer_has_no_field_but_those_that_are_allowed(shop: Cast) -> None:
    """By the documents; what is really answered is compared with them below, and by schemathesis."""
    seen = set()
    for route in shop.routes:
        for name in answered(route):
            fields = set(route.schemas[name]["properties"])
            assert (
                fields in LISTS
                if name.startswith(("Page_", "CountedPage_", "SortedPage_"))
                else fields == ALLOWED[name]
            )
            seen.add(name)
    assert seen >= ALLOWED.keys() - {"Problem", "FieldError"}


def answered(route: Route) -> set[str]:
    """The names of all structs in a route's answers."""
    found: set[str] = set()
    waiting = [route.operation["responses"]]
    while waiting:
        text = json.dumps(waiting.pop())
        names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
        waiting += [route.schemas[name] for name in names - found if "properties" in route.schemas[name]]
        found |= {name for name in names if "properties" in route.schemas[name]}
    return found


async def test_what_is_read_is_what_the_document_says_and_no_secret(shop: Cast) -> None:
    for role in ("owner", "admin"):
        headers = await shop.headers(role)
        for route in shop.routes:
            if route.method != "GET" or route.path.endswith("/events"):
                continue
            names = [each["name"] for each in route.parameters if each["in"] == "path"]
            path = route.path.format(**{name: await shop.owned(name) for name in names})
            answer = await shop.ask("GET", path, headers=headers)
            if answer.status == 200 and route.name not in KEYS:
                check(route, route.answered() or {}, answer.json)
                assert not [word for word in SECRET if f'"{word}' in answer.text], route.name


def check(route: Route, schema: Json, value: Any) -> None:
    """No key that the schema does not have. Free-form parts stay free."""
    schema = route.resolved(schema)
    if isinstance(value, list):
        for each in value:
            check(route, schema.get("items", {}), each)
    elif isinstance(value, dict) and "properties" in schema:
        assert value.keys() <= schema["properties"].keys(), route.name
        for name, each in value.items():
            check(route, schema["properties"][name], each)


async def test_nothing_that_anybody_sends_is_an_address(shop: Cast) -> None:
    """What no route takes cannot send the shop anywhere: no URL, no host, no callback."""
    for route in shop.routes:
        named = {each["name"]: each["schema"] for each in route.parameters} | dict(route.fields())
        for name, schema in named.items():
            last = name.rsplit(".", 1)[-1].lower()
            assert schema.get("format") not in {"uri", "uri-reference", "iri", "hostname", "ipv4"}, name
            assert not [
                word for word in ("url", "uri", "host", "callback", "webhook", "link") if word in last
            ]
