"""Page by page through a list that changes meanwhile."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from product.model.listing import Sort
from tests.integration.product.conftest import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEYS = {
    Sort.NEWEST: lambda each: [-int(each["id"].replace("-", ""), 16)],
    Sort.OLDEST: lambda each: [each["id"]],
    Sort.PRICE_ASC: lambda each: [each["price"], each["id"]],
    Sort.PRICE_DESC: lambda each: [-each["price"], -int(each["id"].replace("-", ""), 16)],
    Sort.NAME: lambda each: [each["name"].lower(), each["id"]],
}


async def pages(client: Client, query: str) -> AsyncIterator[list[dict[str, Any]]]:
    cursor = ""
    while True:
        answer = await client("GET", f"/products?{query}{cursor}", by=None)
        assert answer.status == 200, answer.body
        yield answer.body["items"]
        if answer.body["next"] is None:
            return
        cursor = f"&cursor={answer.body['next']}"


@pytest.mark.parametrize("sort", Sort)
async def test_pages_are_complete_in_order_and_end(client: Client, sort: Sort) -> None:
    shelf = await client.category()
    made = [
        await client.product(category_id=shelf, name=name, price=price)
        for name, price in (("b", 2), ("A", 2), ("c", 1), ("a", 3), ("B", 2), ("a", 2), ("C", 1))
    ]
    seen = [page async for page in pages(client, f"category_id={shelf}&sort={sort}&limit=3")]
    assert [len(page) for page in seen] == [3, 3, 1]
    assert [item for page in seen for item in page] == sorted(made, key=KEYS[sort])
    [whole] = [page async for page in pages(client, f"category_id={shelf}&sort={sort}&limit=7")]
    assert len(whole) == 7


@pytest.mark.parametrize("sort", Sort)
async def test_whatever_comes_and_goes_nothing_is_seen_twice_and_nothing_that_stood_is_missed(
    client: Client, sort: Sort
) -> None:
    """Products are added, deleted, priced and named anew between and during the requests for pages."""
    chance, shelf = random.Random(f"{sort}"), await client.category()

    async def made() -> str:
        name, price = chance.choice("abcdefgh"), chance.randint(1, 8)
        return str((await client.product(category_id=shelf, name=name, price=price))["id"])

    standing = {await made() for _ in range(20)}
    passing = [await made() for _ in range(12)]

    async def unrest() -> None:
        await made()
        await client("DELETE", f"/products/{passing.pop()}")
        other = {"name": chance.choice("abcdefgh"), "price": chance.randint(1, 8)}
        await client("PUT", f"/products/{passing[0]}", other)

    moving, seen = passing[0], []
    async for page in pages(client, f"category_id={shelf}&sort={sort}&limit=4"):
        seen += [item["id"] for item in page]
        if len(passing) > 1:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(unrest())
                tasks.create_task(unrest() if len(passing) > 2 else asyncio.sleep(0))
    still = [each for each in seen if each != moving]
    assert len(still) == len(set(still))
    assert standing <= set(still)


async def test_a_cursor_fits_its_own_order_only(client: Client) -> None:
    shelf = await client.category()
    for _ in range(2):
        await client.product(category_id=shelf)
    for sort in Sort:
        page = await client("GET", f"/products?category_id={shelf}&sort={sort}&limit=1", by=None)
        cursor = page.body["next"]
        for other in set(Sort) - {sort}:
            answer = await client("GET", f"/products?sort={other}&cursor={cursor}", by=None)
            assert answer.verdict == (400, "invalid_cursor"), (sort, other)
            assert answer.body["errors"][0]["field"] == "cursor"
        for torn in (cursor[:-1], cursor + "A", cursor + "=", cursor[1:], cursor.swapcase(), cursor[::-1]):
            answer = await client("GET", f"/products?sort={sort}&cursor={torn}", by=None)
            assert answer.verdict == (400, "invalid_cursor"), torn
