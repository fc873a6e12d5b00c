"""The statement of one list of products: only what is asked for is in it, so that an index answers."""

from typing import Any, NamedTuple

from common.postgres.database import Row
from product.model.catalogue import Product
from product.model.listing import Listed, Listing, Sort


class Order(NamedTuple):
    """Columns that an index has in this order; the id comes last and settles every tie."""

    columns: tuple[str, ...]
    direction: str
    behind: str


ORDERS = {
    Sort.NEWEST: Order(("id",), "DESC", "<"),
    Sort.OLDEST: Order(("id",), "ASC", ">"),
    Sort.PRICE_ASC: Order(("price", "id"), "ASC", ">"),
    Sort.PRICE_DESC: Order(("price", "id"), "DESC", "<"),
    Sort.NAME: Order(("plain_name", "id"), "ASC", ">"),
}
SHOWN = """id, seller_id, category_id, name, description, brand_name, price, currency_code,
       available AS inventory, p.version, created_at, updated_at"""
# Every word must be there, the last one may go on. Words that are only signs find nothing.
FOUND = "words @@ (nullif(plainto_tsquery('simple', plain_words({}))::text, '') || ':*')::tsquery"
CONDITIONS = {
    "category_id": "category_id = {}",
    "seller_id": "seller_id = {}",
    "min_price": "price >= {}",
    "max_price": "price <= {}",
    "currency_code": "currency_code = {}",
    "words": FOUND,
    "available": "(SELECT available > 0 FROM stock WHERE product_id = id) = {}",
}


def statement(listing: Listing) -> tuple[str, list[Any]]:
    """With the values of its parameters. The stock is looked up for the page alone."""
    values: list[Any] = []

    def parameter(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    order = ORDERS[listing.sort]
    conditions = ["deleted_at IS NULL"]
    for name, condition in CONDITIONS.items():
        if (value := getattr(listing.filter, name)) is not None:
            conditions.append(condition.format(parameter(value)))
    if listing.after is not None:
        after = ", ".join(map(parameter, listing.after))
        conditions.append(f"({', '.join(order.columns)}) {order.behind} ({after})")
    place = ", ".join(f"{column} AS at_{column}" for column in order.columns)
    ordered = ", ".join(f"{column} {order.direction}" for column in order.columns)
    page = (
        f"SELECT * FROM products WHERE {' AND '.join(conditions)} ORDER BY {ordered}"
        f" OFFSET {parameter(listing.offset)} LIMIT {parameter(listing.limit)}"
    )
    return (
        f"SELECT {SHOWN}, {place} FROM ({page}) AS p JOIN stock ON product_id = id ORDER BY {ordered}",
        values,
    )


def listed(row: Row, sort: Sort) -> Listed:
    shown = dict(row)
    place = tuple(shown.pop(f"at_{column}") for column in ORDERS[sort].columns)
    return Listed(Product(**shown), place)
