"""What a picture or a video is: its formats, sizes and names."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import msgspec

IMAGES, VIDEOS, STAGED = "images", "videos", "uploads"
PUBLIC = (IMAGES, VIDEOS)
"""Buckets that anybody may read, by the names of the objects."""
BUCKETS = (*PUBLIC, STAGED)

EDGES = (960, 480, 160)
"""Of the thumbnails: the longer side in pixels, at most."""
MOST_FILES = 8
"""In one upload."""
MOST_ALT = 300
"""Characters."""
SNIFFED = 12
"""Bytes that tell a format."""


class Kind(StrEnum):
    IMAGE = "image"
    VIDEO = "video"


class Format(StrEnum):
    """By its content type."""

    PNG = "image/png"
    JPEG = "image/jpeg"
    MP4 = "video/mp4"

    @property
    def kind(self) -> Kind:
        return Kind(self.partition("/")[0])

    @property
    def suffix(self) -> str:
        return {Format.PNG: "png", Format.JPEG: "jpg", Format.MP4: "mp4"}[self]


def sniffed(head: bytes) -> Format | None:
    """What the first bytes say; whatever the client calls it counts for nothing."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Format.PNG
    if head.startswith(b"\xff\xd8\xff"):
        return Format.JPEG
    if head[4:8] == b"ftyp":
        return Format.MP4
    return None


class Size(NamedTuple):
    width: int
    height: int


def fitted(size: Size, edge: int) -> Size:
    """The same shape with no side longer than the edge; never larger than it was."""
    longer = max(size)
    if longer <= edge:
        return size
    return Size(*(max(1, round(side * edge / longer)) for side in size))


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """A row. Names of objects are made of its id, and of nothing that anybody sent."""

    id: UUID
    product_id: UUID
    account_id: UUID
    format: Format
    alt: str
    width: int | None
    height: int | None
    size: int
    created_at: datetime | None = None

    @property
    def bucket(self) -> str:
        return IMAGES if self.format.kind is Kind.IMAGE else VIDEOS

    @property
    def name(self) -> str:
        return str(self.id)

    @property
    def filename(self) -> str:
        """Under which a browser would save it."""
        return f"{self.id}.{self.format.suffix}"

    @property
    def edges(self) -> tuple[int, ...]:
        return EDGES if self.format.kind is Kind.IMAGE else ()

    def objects(self) -> Iterator[str]:
        """Every object that belongs to the row."""
        yield self.name
        yield from (thumbnail(self.id, edge) for edge in self.edges)


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody may send past the shop."""

    id: UUID
    product_id: UUID
    account_id: UUID
    alt: str


def thumbnail(media_id: UUID, edge: int) -> str:
    return f"{media_id}-{edge}"


def owner(object_name: str) -> UUID | None:
    """The row to which an object belongs; None for a name that is not one of ours."""
    try:
        return UUID(object_name[:36])
    except ValueError:
        return None
