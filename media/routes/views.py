"""Pictures as clients see them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from media.model import Kind, Media, Size, fitted, thumbnail
from media.store import Store


class Thumbnail(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    width: int
    height: int


class MediaView(msgspec.Struct, frozen=True, kw_only=True):
    """`url`: where anybody finds it. Thumbnails, the smallest first, have a longer side of 160, 480 and 960
    pixels, where the picture has as many; a video has none."""

    id: UUID
    product_id: UUID
    kind: Kind
    content_type: str
    url: str
    thumbnails: list[Thumbnail]
    alt: str
    width: int | None
    height: int | None
    size: int
    created_at: datetime


class Uploaded(msgspec.Struct, frozen=True, kw_only=True):
    items: list[MediaView]


class Link(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    expires_at: datetime


def view(row: Media, store: Store) -> MediaView:
    assert row.created_at is not None, "it comes from the database"
    return MediaView(
        id=row.id,
        product_id=row.product_id,
        kind=row.format.kind,
        content_type=row.format,
        url=store.url(row.bucket, row.name),
        thumbnails=_thumbnails(row, store),
        alt=row.alt,
        width=row.width,
        height=row.height,
        size=row.size,
        created_at=row.created_at,
    )


def views(rows: Sequence[Media], store: Store) -> list[MediaView]:
    return [view(row, store) for row in rows]


def _thumbnails(row: Media, store: Store) -> list[Thumbnail]:
    size = Size(row.width or 0, row.height or 0)
    return [
        Thumbnail(
            url=store.url(row.bucket, thumbnail(row.id, edge)),
            width=fitted(size, edge).width,
            height=fitted(size, edge).height,
        )
        for edge in sorted(row.edges)
    ]
