"""Who may: every route against every kind of caller (API5), and no route beside the documents (API9)."""

import sys
from collections.abc import Mapping
from uuid import UUID

import pytest

from deploy.docs.routes import SERVED, registered, who
from tests.security.cast import ANONYMOUS, ENDED, INACTIVE, ROLES, Cast
from tests.security.served import Route

pytestmark = pytest.mark.asyncio(loop_scope="module")

YES = 0
"""Admitted."""
LET_IN = {200, 201, 202, 204, 400, 409, 422}
"""Whoever is let in is told about a body that says nothing, or that it is too late."""
NONSENSE = {"nobody_knows": 0}


def rule(otherwise: int, **exceptions: int) -> Mapping[str, int]:
    """By role; a token that does not count any more is none."""
    nobody = dict.fromkeys((ANONYMOUS, ENDED, INACTIVE), 401)
    return dict.fromkeys(ROLES, otherwise) | nobody | exceptions


ANYONE = dict.fromkeys(ROLES, YES)
ACCOUNT = rule(YES)
VERIFIED = rule(YES, unverified=403)
ADMIN = rule(403, admin=YES)
OWNER_OR_ADMIN = rule(403, owner=YES, admin=YES)
"""Of what everybody may see."""
OWNER = rule(404, owner=YES)
OWNER_OR_ADMIN_SEES = rule(404, owner=YES, admin=YES)

RULES: Mapping[str, Mapping[str, int]] = {
    "GET /account/accounts": ADMIN,
    "GET /account/accounts/{account_id}": ADMIN,
    "PATCH /account/accounts/{account_id}": ADMIN,
    "GET /account/customer/delivery": ACCOUNT,
    "PUT /account/customer/delivery": ACCOUNT,
    "GET /account/customer/personal": ACCOUNT,
    "PUT /account/customer/personal": ACCOUNT,
    "GET /account/jwks": ANYONE,
    "POST /account/login": ANYONE,
    "POST /account/logout": ACCOUNT,
    "POST /account/password": ACCOUNT,
    "POST /account/password/forgot": ANYONE,
    "POST /account/password/reset": ANYONE,
    "POST /account/refresh": ANYONE,
    "POST /account/register": ANYONE,
    "GET /account/sessions": ACCOUNT,
    "DELETE /account/sessions": ACCOUNT,
    "DELETE /account/sessions/{session_id}": OWNER,
    "POST /account/verify": ACCOUNT,
    "POST /account/verify/resend": ACCOUNT,
    "GET /categories": ANYONE,
    "POST /categories": VERIFIED,
    "GET /categories/{category_id}": ANYONE,
    "PUT /categories/{category_id}": OWNER_OR_ADMIN,
    "DELETE /categories/{category_id}": OWNER_OR_ADMIN,
    "GET /products": ANYONE,
    "POST /products": VERIFIED,
    "POST /products/check": ANYONE,
    "GET /products/{product_id}": ANYONE,
    "PUT /products/{product_id}": OWNER_OR_ADMIN,
    "DELETE /products/{product_id}": OWNER_OR_ADMIN,
    "POST /products/{product_id}/stock": OWNER_OR_ADMIN,
    "GET /products/{product_id}/stock/movements": OWNER_OR_ADMIN,
    "POST /media/upload": VERIFIED,
    "POST /media/uploads": VERIFIED,
    "POST /media/uploads/{upload_id}": OWNER,
    "GET /media": ANYONE,
    "GET /media/{media_id}": ANYONE,
    "GET /media/{media_id}/link": ACCOUNT,
    "DELETE /media/{media_id}": OWNER_OR_ADMIN,
    "GET /orders": ACCOUNT,
    "GET /orders/{order_id}": OWNER_OR_ADMIN_SEES,
    "GET /payments": ADMIN,
    "GET /payments/methods": ANYONE,
    "GET /payments/{payment_id}": OWNER,
    "GET /purchases": ACCOUNT,
    "POST /purchases": VERIFIED,
    "GET /purchases/events": ACCOUNT,
    "GET /purchases/{purchase_id}": OWNER,
    "POST /purchases/{purchase_id}/cancel": OWNER,
    "GET /purchases/{purchase_id}/events": OWNER,
    "POST /purchases/stream-session": ACCOUNT,
    "DELETE /purchases/stream-session": ANYONE,
}
GUARDS: Mapping[str, list[Mapping[str, int]]] = {
    "anyone": [ANYONE],
    "account": [ACCOUNT, OWNER, OWNER_OR_ADMIN_SEES],
    "administrator": [ADMIN],
    "verified account": [VERIFIED],
    "owner or administrator": [OWNER_OR_ADMIN],
}


async def test_every_route_is_in_a_document_and_has_a_rule(shop: Cast) -> None:
    documented = sorted(route.name for route in shop.routes)
    handlers = [each for of in SERVED.values() for each in registered(of)]
    assert documented == sorted(f"{method} {path}" for path, method, _ in handlers)
    assert documented == sorted(RULES)


async def test_the_documents_say_who_needs_a_token(shop: Cast) -> None:
    assert {route.name for route in shop.routes if route.is_public} == {
        name for name, expected in RULES.items() if expected is ANYONE
    }


async def test_the_documents_say_which_role_is_wanted(shop: Cast) -> None:
    for route in shop.routes:
        roles = [role for way in route.operation["security"] for role in way.get("bearer", ())]
        wanted = [
            name for name, each in (("verified", VERIFIED), ("admin", ADMIN)) if RULES[route.name] is each
        ]
        assert roles == wanted, route.name


async def test_the_page_says_the_same_as_the_rules() -> None:
    for handlers in SERVED.values():
        for path, method, handler in registered(handlers):
            assert RULES[f"{method} {path}"] in GUARDS[who(handler)], (method, path)


async def test_every_role_is_answered_by_the_rule(shop: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    wrong, cells = [], 0
    for route in shop.routes:
        for role, expected in RULES[route.name].items():
            cells += 1
            got = await status(shop, route, role)
            if got != expected and not (expected == YES and got in LET_IN):
                wrong.append(f"{route.name} as {role}: {got}, not {expected}")
    with capsys.disabled():
        sys.stdout.write(f"\n{len(shop.routes)} routes, {len(ROLES)} roles: {cells} cells\n")
    assert wrong == []


async def status(shop: Cast, route: Route, role: str) -> int:
    """Ids are the owner's; the body is nonsense, which nobody hears of who may not come in."""
    path = route.path
    for parameter in route.parameters:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", await shop.owned(parameter["name"]))
    body = NONSENSE if route.body is not None else None
    answer = await shop.ask(route.method, path, headers=await shop.headers(role), body=body)
    assert str(answer.status) in route.operation["responses"], (route.name, role, answer)
    return answer.status


async def test_no_path_has_a_method_that_no_document_knows(shop: Cast) -> None:
    """A forgotten route would answer something else than 404 or 405, even to nobody."""
    known = {(route.method, route.path) for route in shop.routes}
    unknown = {
        (method, path)
        for _, path in known
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE")
        if (method, path) not in known
    }
    assert len(unknown) > 100
    for method, path in sorted(unknown):
        filled = "/".join(str(UUID(int=1)) if "{" in part else part for part in path.split("/"))
        answer = await shop.ask(method, filled, headers=await shop.headers("anonymous"))
        assert answer.status in {404, 405}, (method, path, answer)
