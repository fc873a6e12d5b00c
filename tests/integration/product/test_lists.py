"""Lists of products over HTTP: what is found, and what is refused."""

from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import pytest

from common.ids import new_id
from tests.integration.product.conftest import Client
from tests.people import SELLER, STRANGER

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOSTILE = [
    *(
        "'",
        '"',
        "\\",
        "%",
        "_",
        "&",
        "|",
        "!",
        ":*",
        "a:*",
        "a & | b",
        "!!a",
        "<->",
        "a <-> b",
        "(",
        "))((",
        "*",
    ),
    *("'; DROP TABLE products; --", "' OR '1'='1", "\\' & x", "a\\", "$1", "{}", "{0}", "%s"),
    *(
        "x" * 100,
        "ﷺ" * 100,
        "é" * 100,
        "a " * 50,
        "& " * 50,
        "':* & '" * 14,
        "😀",
        "\u200b",
        "\ufeff",
        "\x01",
    ),
    *("a@b.de", "http://x/?y=1&z=2", "-1e400", "1.5.6", "../../etc/passwd", "<script>", "null", "NaN"),
]


async def found(client: Client, **query: Any) -> list[str]:
    """The names of what is listed."""
    answer = await client("GET", f"/products?{urlencode(query)}", by=None)
    assert answer.status == 200, answer.body
    return [item["name"] for item in answer.body["items"]]


async def test_words_are_found_in_name_brand_and_description_whatever_their_accents(client: Client) -> None:
    shelf = await client.category()
    await client.product(category_id=shelf, name="Áo dài lụa Hà Đông", brand_name="Phố Cổ", description="")
    await client.product(
        category_id=shelf, name="Silk scarf", brand_name="Hà Nội", description="Dyed by hand."
    )

    async def names(q: str) -> list[str]:
        return await found(client, category_id=shelf, q=q)

    assert await names("áo dài") == await names("AO DAI") == await names("dong lua") == ["Áo dài lụa Hà Đông"]
    assert await names("ha") == ["Silk scarf", "Áo dài lụa Hà Đông"]
    assert await names("hand silk") == ["Silk scarf"]
    assert await names("pho co") == ["Áo dài lụa Hà Đông"]
    assert await names("silk dai") == []


async def test_the_last_word_may_go_on_and_only_the_last(client: Client) -> None:
    shelf = await client.category()
    await client.product(category_id=shelf, name="Green tea-pot, 50% off")

    async def is_found(q: str) -> bool:
        return await found(client, category_id=shelf, q=q) != []

    for q in ("gre", "green t", "pot gr", "TEA-P", "tea_pot", "50%", "of", "tea&pot", "pot:*"):
        assert await is_found(q), q
    for q in ("gre tea", "reen", "pots", "teapot", "!!!", "& |", ":*", "—"):
        assert not await is_found(q), q


@pytest.mark.parametrize("q", HOSTILE)
async def test_no_words_are_an_error(client: Client, q: str) -> None:
    assert (await client("GET", f"/products?q={quote(q, safe='')}", by=None)).status == 200


@pytest.mark.parametrize("raw", ["%ff%fe", "%ed%a0%80", "%c0%80", "%", "%zz", "%f4%90%80%80"])
async def test_a_query_that_is_no_text_finds_nothing(client: Client, raw: str) -> None:
    await client.product()
    assert (await client("GET", f"/products?q={raw}", by=None)).status in {200, 400}


async def test_a_list_is_narrowed_by_seller_price_and_stock(client: Client) -> None:
    shelf = await client.category()
    for name, price, inventory in (("cheap", 100, 0), ("fair", 200, 1), ("dear", 300, 7)):
        await client.product(category_id=shelf, name=name, price=price, inventory=inventory)
    theirs = {"category_id": shelf, "name": "theirs", "brand_name": "x", "price": 200, "inventory": 1}
    assert (await client("POST", "/products", theirs, by=STRANGER)).status == 201

    async def names(**query: Any) -> set[str]:
        return set(await found(client, category_id=shelf, **query))

    assert await names(seller_id=SELLER) == {"cheap", "fair", "dear"}
    assert await names(seller_id=STRANGER) == {"theirs"}
    assert await names(seller_id=uuid4()) == set()
    assert await names(min_price=200) == {"fair", "theirs", "dear"}
    assert await names(max_price=200, seller_id=SELLER) == {"cheap", "fair"}
    assert await names(min_price=200, max_price=200) == {"fair", "theirs"}
    assert await names(min_price=201, max_price=199) == set()
    assert await names(available="true") == {"fair", "theirs", "dear"}
    assert await names(available="false") == {"cheap"}
    assert await names(q="dea", available="true", min_price=300, seller_id=SELLER) == {"dear"}


async def test_a_price_is_one_in_the_first_currency_unless_another_is_named(client: Client) -> None:
    shelf = await client.category()
    await client.product(category_id=shelf, name="dong", price=500)
    await client.product(category_id=shelf, name="dollars", price=500, currency_code="USD")
    assert await found(client, category_id=shelf, min_price=500) == ["dong"]
    assert await found(client, category_id=shelf, min_price=500, currency_code="USD") == ["dollars"]
    assert await found(client, category_id=shelf, currency_code="EUR") == []
    assert sorted(await found(client, category_id=shelf, sort="price_asc")) == ["dollars", "dong"]


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=101", "limit=-1", "limit=99999999999999999999999", "limit=x", "limit=1.5"),
        *("offset=-1", "offset=99999999999999999999", "offset=1000001"),
        *("cursor=x", "cursor=", f"cursor={'A' * 1201}", "cursor=null", "cursor=%00", "cursor=%ff"),
        *("category_id=x", "category_id=", "seller_id=x", "seller_id=1", "seller_id=null"),
        *(
            "min_price=-1",
            f"min_price={10**12 + 1}",
            "min_price=x",
            "min_price=1.5",
            "max_price=",
            "max_price=NaN",
        ),
        *(
            "currency_code=vnd",
            "currency_code=VNDX",
            "currency_code=",
            "currency_code=VN%00",
            "currency_code=VND%0a",
        ),
        *("sort=x", "sort=", "sort=price", "sort=NEWEST", "sort=id;drop", "sort=newest&sort=oldest"),
        *("available=x", "available=2", "available="),
        *("q=", "q=%00", "q=a%00b", f"q={'x' * 101}"),
    ],
)
async def test_a_query_out_of_bounds_is_400(client: Client, query: str) -> None:
    answer = await client("GET", f"/products?{query}", by=None)
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_the_bounds_themselves_are_accepted(client: Client) -> None:
    query = f"min_price=0&max_price={10**12}&limit=100&offset=1000000&q={'x' * 100}&sort=name"
    assert (await client("GET", f"/products?{query}", by=None)).body == {"items": [], "next": None}


async def test_an_offset_skips_in_every_order(client: Client) -> None:
    shelf = await client.category()
    for price in (3, 1, 2):
        await client.product(category_id=shelf, name=f"P{price}", price=price)
    for sort, names in (("price_asc", ["P2", "P3"]), ("price_desc", ["P2", "P1"]), ("name", ["P2", "P3"])):
        assert await found(client, category_id=shelf, sort=sort, offset=1) == names


async def test_a_cursor_from_before_there_were_orders_goes_on_working(client: Client) -> None:
    shelf = await client.category()
    old, middle, new = [(await client.product(category_id=shelf, name=name))["id"] for name in "abc"]
    del old
    assert await found(client, category_id=shelf, cursor=middle) == ["a"]
    assert await found(client, category_id=shelf, cursor=new, limit=1) == ["b"]
    wrong = await client("GET", f"/products?sort=oldest&cursor={new_id()}", by=None)
    assert wrong.verdict == (400, "invalid_cursor")
