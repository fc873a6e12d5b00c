"""Categories over HTTP."""

import asyncio
from uuid import uuid4

import pytest

from tests.integration.product.conftest import Client
from tests.people import ADMIN, SELLER, STRANGER

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_what_was_created_can_be_read_by_anybody(client: Client) -> None:
    created = await client("POST", "/categories", {"name": "Drinks", "description": "Hot and cold."})
    assert created.status == 201
    assert (created.body["owner_id"], created.body["name"]) == (str(SELLER), "Drinks")
    read = await client("GET", f"/categories/{created.body['id']}", by=None)
    assert (read.status, read.body) == (200, created.body)


async def test_only_verified_accounts_create(client: Client) -> None:
    assert (await client("POST", "/categories", {"name": "Drinks"}, by=None)).status == 401
    assert (await client("POST", "/categories", {"name": "Drinks"}, verified=False)).status == 403


async def test_only_the_owner_or_an_administrator_changes_and_that_is_asked_before_the_body(
    client: Client,
) -> None:
    path = f"/categories/{await client.category()}"
    for method in ("PUT", "DELETE"):
        assert (await client(method, path, raw=b"{", by=None)).status == 401
        assert (await client(method, path, raw=b"{", by=STRANGER)).verdict == (403, "forbidden")
    changed = await client("PUT", path, {"description": "Cold."})
    assert (changed.body["name"], changed.body["description"]) == ("Drinks", "Cold.")
    assert (await client("PUT", path, {"name": "Juices"}, by=ADMIN)).body["name"] == "Juices"


async def test_a_change_of_another_version_is_refused(client: Client) -> None:
    created = await client("POST", "/categories", {"name": "Drinks"})
    path = f"/categories/{created.body['id']}"
    assert (created.headers["ETag"], created.body["version"]) == ('"1"', 1)
    changed = await client("PUT", path, {"name": "Juices"}, headers={"If-Match": '"1"'})
    assert (changed.status, changed.headers["ETag"], changed.body["version"]) == (200, '"2"', 2)
    stale = await client("PUT", path, {"name": "Teas"}, headers={"If-Match": '"1"'})
    assert stale.verdict == (412, "version_mismatch")
    read = await client("GET", path, by=None)
    assert (read.headers["ETag"], read.body["name"]) == ('"2"', "Juices")


async def test_of_changes_of_one_version_at_once_one_counts(client: Client) -> None:
    path = f"/categories/{await client.category()}"
    answers = await asyncio.gather(
        *(client("PUT", path, {"name": f"{each}"}, headers={"If-Match": '"1"'}) for each in range(8))
    )
    assert sorted(answer.status for answer in answers) == [200] + [412] * 7


async def test_every_change_is_announced_with_its_version(client: Client) -> None:
    own = await client.category(name="Drinks", description="Hot.")
    path = f"/categories/{own}"
    await client("PUT", path, {"name": "Juices"})
    await client("PUT", path, {})
    await client("DELETE", path)

    async def told(word: str, *fields: str) -> list[tuple[object, ...]]:
        said = await client.shop.said(f"evt.product.{word}")
        return [tuple(each[field] for field in fields) for each in said if each["entity_id"] == own]

    state = ("version", "name", "description", "owner_id")
    assert await told("category_created", *state) == [(1, "Drinks", "Hot.", str(SELLER))]
    assert await told("category_changed", *state) == [(2, "Juices", "Hot.", str(SELLER))]
    assert await told("category_deleted", "version") == [(3,)]


async def test_a_category_that_is_not_there_is_404(client: Client) -> None:
    for category_id in (uuid4(), "1"):
        assert (await client("GET", f"/categories/{category_id}", by=None)).status == 404
        assert (await client("PUT", f"/categories/{category_id}", raw=b"{")).status == 404
        assert (await client("DELETE", f"/categories/{category_id}")).status == 404


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": "\0"}, {"name": "a", "owner_id": str(STRANGER)}, {"name": 1}, []]
)
async def test_a_category_out_of_bounds_is_refused(client: Client, body: object) -> None:
    assert (await client("POST", "/categories", body)).status == 400


async def test_a_category_is_deleted_only_while_no_product_is_in_it(client: Client) -> None:
    category_id = await client.category()
    product = await client.product(category_id=category_id)
    assert (await client("DELETE", f"/categories/{category_id}")).verdict == (409, "category_in_use")

    await client("DELETE", f"/products/{product['id']}")
    assert (await client("DELETE", f"/categories/{category_id}")).status == 204
    assert (await client("GET", f"/categories/{category_id}")).status == 404


async def test_a_category_deleted_while_a_product_comes_leaves_no_orphan(client: Client) -> None:
    for _ in range(10):
        category_id = await client.category()
        body = {"category_id": category_id, "name": "a", "brand_name": "b", "price": 1, "inventory": 1}
        deleted, created = await asyncio.gather(
            client("DELETE", f"/categories/{category_id}"), client("POST", "/products", body)
        )
        assert (deleted.status, created.status) in {(204, 422), (409, 201)}


async def test_pages_are_stable_newest_first_and_complete(client: Client) -> None:
    made = {await client.category() for _ in range(5)}
    seen: list[str] = []
    query = "limit=2"
    while query:
        page = (await client("GET", f"/categories?{query}", by=None)).body
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        query = f"limit=2&cursor={page['next']}" if page["next"] else ""

    assert seen == sorted(seen, reverse=True)
    assert made <= set(seen)
    skipped = (await client("GET", "/categories?limit=3&offset=2", by=None)).body["items"]
    assert [item["id"] for item in skipped] == seen[2:5]
