"""Products over HTTP."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.product.conftest import Client
from tests.people import ADMIN, SELLER, STRANGER

pytestmark = pytest.mark.asyncio(loop_scope="module")

BROKEN = b'{"name": '


async def test_what_was_created_can_be_read_by_anybody(client: Client) -> None:
    category_id = await client.category()
    created = await client.product(category_id=category_id, price=2_500, inventory=7, currency_code="USD")
    read = await client("GET", f"/products/{created['id']}", by=None)

    assert read.status == 200
    assert read.body == created
    assert read.headers["ETag"] == '"1"'
    assert {
        name: read.body[name] for name in ("seller_id", "category_id", "price", "currency_code", "inventory")
    } == {
        "seller_id": str(SELLER),
        "category_id": category_id,
        "price": 2_500,
        "currency_code": "USD",
        "inventory": 7,
    }


async def test_the_first_currency_is_the_default_and_others_than_the_listed_are_refused(
    client: Client,
) -> None:
    assert (await client.product())["currency_code"] == "VND"
    body = {
        "category_id": await client.category(),
        "name": "a",
        "brand_name": "b",
        "price": 1,
        "inventory": 1,
    }
    refused = await client("POST", "/products", body | {"currency_code": "EUR"})
    assert refused.verdict == (422, "currency_not_supported")
    assert refused.body["errors"][0]["field"] == "currency_code"


async def test_only_verified_accounts_sell_and_only_in_their_own_name(client: Client) -> None:
    body = {
        "category_id": await client.category(),
        "name": "a",
        "brand_name": "b",
        "price": 1,
        "inventory": 1,
    }
    assert (await client("POST", "/products", body, by=None)).status == 401
    assert (await client("POST", "/products", body, verified=False)).verdict == (403, "not_verified")
    assert (await client("POST", "/products", body | {"id_account": str(STRANGER)})).status == 403
    assert (await client("POST", "/products", body | {"id_account": str(SELLER)})).status == 201


async def test_a_forged_token_is_nobodys(client: Client) -> None:
    token = client.shop.issuer.token(SELLER)
    for forged in (token[:-4] + "AAAA", token.split(".")[0] + "..", "x", ""):
        answer = await client("POST", "/products", {}, by=None, headers={"Authorization": f"Bearer {forged}"})
        assert answer.status == 401


async def test_a_product_needs_a_category_that_exists(client: Client) -> None:
    body = {"category_id": str(uuid4()), "name": "a", "brand_name": "b", "price": 1, "inventory": 1}
    assert (await client("POST", "/products", body)).verdict == (422, "unknown_category")
    product = await client.product()
    changed = await client("PUT", f"/products/{product['id']}", {"category_id": str(uuid4())})
    assert changed.verdict == (422, "unknown_category")


async def test_every_wrong_field_is_named_at_once(client: Client) -> None:
    answer = await client("POST", "/products", {"price": [], "inventory": -1, "status": "x"})
    assert answer.status == 400
    named = {error["field"] for error in answer.body["errors"]}
    assert {"category_id", "name", "brand_name", "price", "inventory", "status"} == named


@pytest.mark.parametrize(
    "raw",
    [
        BROKEN,
        b"",
        b"[]",
        b"null",
        b"\xff",
        b'{"price": 99999999999999999999999999}',
        b'{"name": "\\u0000"}',
        b'{"name": "\\ud800"}',
        b'{"price": 1e400}',
    ],
)
async def test_nonsense_is_the_clients_fault(client: Client, raw: bytes) -> None:
    product = await client.product()
    for method, path in (("POST", "/products"), ("PUT", f"/products/{product['id']}")):
        answer = await client(method, path, raw=raw)
        assert answer.status == 400
        assert answer.headers["Content-Type"] == "application/problem+json"


async def test_a_body_that_does_not_call_itself_json_is_no_excuse(client: Client) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense", ""):
        answer = await client("POST", "/categories", raw=b"name=x", headers={"Content-Type": kind})
        assert 400 <= answer.status < 500, (kind, answer.body)


async def test_a_body_too_large_is_refused(client: Client) -> None:
    assert (await client("POST", "/products", raw=b'{"name": "' + b"x" * 70_000 + b'"}')).status == 413


@pytest.mark.parametrize(
    "product_id",
    ["0190f3a0-0000-7000-8000-000000000000", "1", "x" * 300, "%00", "00000000-0000-0000-0000-00000000000g"],
)
async def test_a_product_that_is_not_there_is_404(client: Client, product_id: str) -> None:
    assert (await client("GET", f"/products/{product_id}", by=None)).status == 404
    for by in (SELLER, ADMIN):
        assert (await client("PUT", f"/products/{product_id}", raw=BROKEN, by=by)).status == 404
        assert (await client("DELETE", f"/products/{product_id}", by=by)).status == 404


async def test_a_change_keeps_what_it_leaves_out(client: Client) -> None:
    product = await client.product()
    changed = await client("PUT", f"/products/{product['id']}", {"price": 300, "description": ""})

    assert changed.status == 200
    kept = {"updated_at": changed.body["updated_at"]}
    assert changed.body == product | {"price": 300, "description": "", "version": 2} | kept
    assert changed.headers["ETag"] == '"2"'
    assert (await client("GET", f"/products/{product['id']}")).body == changed.body


async def test_only_the_seller_or_an_administrator_changes_and_that_is_asked_before_the_body(
    client: Client,
) -> None:
    path = f"/products/{(await client.product())['id']}"
    assert (await client("PUT", path, raw=BROKEN, by=None)).status == 401
    assert (await client("PUT", path, raw=BROKEN, by=STRANGER)).verdict == (403, "forbidden")
    assert (await client("DELETE", path, by=STRANGER)).status == 403
    assert (await client("PUT", path, {"name": "Tee"}, by=ADMIN)).status == 200


async def test_a_change_of_another_version_is_refused(client: Client) -> None:
    path = f"/products/{(await client.product())['id']}"
    assert (await client("PUT", path, {"price": 1}, headers={"If-Match": '"1"'})).status == 200
    stale = await client("PUT", path, {"price": 2}, headers={"If-Match": '"1"'})
    assert stale.verdict == (412, "version_mismatch")
    assert (await client("GET", path)).body["price"] == 1


async def test_of_changes_of_one_version_at_once_one_counts(client: Client) -> None:
    path = f"/products/{(await client.product())['id']}"
    answers = await asyncio.gather(
        *(client("PUT", path, {"price": each}, headers={"If-Match": '"1"'}) for each in range(1, 9))
    )
    assert sorted(answer.status for answer in answers) == [200] + [412] * 7


async def test_a_change_of_nothing_is_no_change(client: Client) -> None:
    product = await client.product()
    assert (await client("PUT", f"/products/{product['id']}", {})).body == product
    said = await client.shop.said("evt.product.product_changed")
    assert product["id"] not in {each["entity_id"] for each in said}


async def test_a_deleted_product_is_gone_for_everybody(client: Client) -> None:
    product = await client.product()
    path = f"/products/{product['id']}"
    assert (await client("DELETE", path)).status == 204
    assert (await client("GET", path)).status == 404
    assert (await client("DELETE", path)).status == 404
    assert (await client("PUT", path, {})).status == 404
    assert (await client("POST", f"{path}/stock", {"set": 1})).status == 404
    listed = await client("GET", f"/products?category_id={product['category_id']}")
    assert listed.body["items"] == []
    check = await client("POST", "/products/check", [{"product_id": product["id"], "quantity": 1}])
    assert check.body["items"][0]["reason"] == "unknown_product"


async def test_every_change_is_announced_with_its_version(client: Client) -> None:
    product = await client.product()
    own = product["id"]
    path = f"/products/{own}"
    await client("PUT", path, {"price": 300})
    await client("POST", f"{path}/stock", {"change": -2})
    await client("DELETE", path)

    async def told(word: str, *fields: str) -> list[tuple[Any, ...]]:
        said = await client.shop.said(f"evt.product.{word}")
        return [tuple(each[field] for field in fields) for each in said if each["entity_id"] == own]

    assert await told("product_created", "entity_id", "version", "price") == [(own, 1, 100)]
    assert await told("product_changed", "entity_id", "version", "price") == [(own, 2, 300)]
    assert await told("product_deleted", "entity_id", "version") == [(own, 3)]
    assert await told("stock_changed", "entity_id", "version", "available") == [(own, 1, 5), (own, 2, 3)]


async def test_the_openapi_document_names_every_route(client: Client) -> None:
    answer = await client("GET", "/openapi/product.json", by=None)
    assert answer.status == 200
    assert {(path, method) for path, item in answer.body["paths"].items() for method in item} == {
        (f"/api/v1{path}", method)
        for path, methods in {
            "/categories": "get post",
            "/categories/{category_id}": "get put delete",
            "/products": "get post",
            "/products/{product_id}": "get put delete",
            "/products/{product_id}/stock": "post",
            "/products/{product_id}/stock/movements": "get",
            "/products/check": "post",
        }.items()
        for method in methods.split()
    }
