"""Pictures and videos: everybody sees them, the seller takes them away."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from litestar import delete, get
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, QueryParameter

from common.http.auth import Caller, Connection
from common.http.dependencies import Db
from common.http.errors import NotFound, Refused
from common.http.paging import Cursor, Limit, Offset, Page
from common.postgres.database import Database
from media.intake import Intake
from media.repository import media
from media.routes.views import Link, MediaView, view, views
from media.store import Store

Keeper = NamedDependency[Intake]
Objects = NamedDependency[Store]
Seconds = NamedDependency[int]
OfProduct = Annotated[UUID, QueryParameter()]


async def seller(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Everybody may see it, hence a stranger gets 403, and 404 means that it does not exist."""
    caller: Caller = connection.scope["user"]
    db: Database = connection.app.state.db
    async with db.read() as tx:
        owned = await media.owner(tx, connection.path_params["media_id"])
    if owned is None:
        raise NotFound("picture")
    if owned.seller_id != caller.account_id and not caller.is_admin:
        raise Refused(403, "forbidden", "This picture is somebody else's.")


@get("/media", opt={"public": True})
async def list_media(
    product_id: OfProduct,
    db: Db,
    store: Objects,
    limit: Limit = 20,
    offset: Offset = 0,
    cursor: Cursor = None,
) -> Page[MediaView]:
    """Of one product, in the order in which they came."""
    async with db.read() as tx:
        found = await media.page(tx, product_id, cursor, offset, limit + 1)
    following = found[limit - 1].id if len(found) > limit else None
    return Page(items=views(found[:limit], store), next=following)


@get("/media/{media_id:uuid}", opt={"public": True})
async def show_media(media_id: FromPath[UUID], db: Db, store: Objects) -> MediaView:
    async with db.read() as tx:
        row = await media.find(tx, media_id)
    if row is None:
        raise NotFound("picture")
    return view(row, store)


@get("/media/{media_id:uuid}/link")
async def link_media(media_id: FromPath[UUID], db: Db, store: Objects, link_seconds: Seconds) -> Link:
    """To download it under its own name; the link expires."""
    async with db.read() as tx:
        row = await media.find(tx, media_id)
    if row is None:
        raise NotFound("picture")
    expires_at = datetime.now(UTC) + timedelta(seconds=link_seconds)
    return Link(url=store.link(row.bucket, row.name, row.filename), expires_at=expires_at)


@delete("/media/{media_id:uuid}", guards=[seller])
async def delete_media(media_id: FromPath[UUID], intake: Keeper) -> None:
    """Gone from every list at once. 503: its files are still there; again, or in a while by itself."""
    await intake.remove([media_id])


ROUTES = [list_media, show_media, link_media, delete_media]
