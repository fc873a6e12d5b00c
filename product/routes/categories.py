"""Categories: everybody reads, verified accounts create, the owner changes."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from common.http.auth import verified
from common.http.dependencies import Db, Me, Words
from common.http.errors import NotFound, Refused
from common.http.openapi import also
from common.http.paging import Cursor, Limit, Offset, Page
from common.http.ready import sent
from common.postgres.database import Transaction
from product.model import announcements
from product.model.catalogue import Category, CategoryChanges, NewCategory
from product.repository import categories
from product.routes.guards import category_owner
from product.routes.versions import IfMatch, require_meant, tagged
from product.views import Catalogue

Shown = NamedDependency[Catalogue]
"""Parameter `catalogue`."""


@post("/categories", guards=[verified])
async def create_category(
    data: JSONBody[NewCategory], db: Db, outbox: Words, caller: Me
) -> Response[Category]:
    """The caller owns it."""
    async with db.begin() as tx:
        category = await categories.add(tx, caller.account_id, data)
        await outbox.put(tx, [announcements.category_created(category)])
    return tagged(category, status_code=201)


@get("/categories", opt={"public": True})
async def list_categories(
    request: Request[Any, Any, Any],
    catalogue: Shown,
    limit: Limit = 20,
    offset: Offset = 0,
    cursor: Cursor = None,
) -> Response[Page[Category]]:
    """Newest first."""

    async def read(tx: Transaction) -> Page[Category]:
        found = await categories.page(tx, cursor, offset, limit + 1)
        return Page(items=found[:limit], next=found[limit - 1].id if len(found) > limit else None)

    return sent(await catalogue.page(request.scope["path"], request.scope["query_string"], read))


@get("/categories/{category_id:uuid}", opt={"public": True})
async def read_category(category_id: FromPath[UUID], catalogue: Shown) -> Response[Category]:
    answer = await catalogue.category(category_id)
    if answer is None:
        raise NotFound("category")
    return sent(answer)


@put("/categories/{category_id:uuid}", guards=[category_owner], opt=also(412))
async def change_category(
    category_id: FromPath[UUID],
    data: JSONBody[CategoryChanges],
    db: Db,
    outbox: Words,
    if_match: IfMatch = None,
) -> Response[Category]:
    """What is left out stays."""
    async with db.begin() as tx:
        category = _existing(await categories.lock(tx, category_id))
        require_meant(category, if_match)
        if data != CategoryChanges():
            category = await categories.change(tx, category_id, data)
            await outbox.put(tx, [announcements.category_changed(category)])
    return tagged(category)


@delete("/categories/{category_id:uuid}", guards=[category_owner], opt=also(409))
async def delete_category(category_id: FromPath[UUID], db: Db, outbox: Words) -> None:
    """Only while no product is in it."""
    async with db.begin() as tx:
        deletion = await categories.delete_unused(tx, category_id)
        if deletion is None:
            raise Refused(409, "category_in_use", "Products are in this category.")
        await outbox.put(tx, [announcements.category_deleted(category_id, deletion)])


def _existing(category: Category | None) -> Category:
    if category is None:
        raise NotFound("category")
    return category


ROUTES = [create_category, list_categories, read_category, change_category, delete_category]
