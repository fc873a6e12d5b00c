"""The page at / of the edge, a guest here until the storefront has its own house: files, read once."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import HttpMethod, Response, route
from litestar.params import FromPath, HeaderParameter
from litestar.status_codes import HTTP_200_OK, HTTP_304_NOT_MODIFIED
from litestar.types import ControllerRouterHandler

from common.http.errors import NotFound
from purchase.settings import PurchaseSettings

FOLDER = Path(__file__).with_name("static")
INDEX = "index.html"
SHOP = "shop.json"
READING = [HttpMethod.GET, HttpMethod.HEAD]
MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
HEADERS = {
    "Cache-Control": "no-cache",  # asked for every time: the modules of one page must fit each other
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

POLICY = (
    "default-src 'self'; img-src 'self'%s; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'"
)

IfNoneMatch = Annotated[str | None, HeaderParameter(name="If-None-Match", max_length=1000)]


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """What the page cannot know by itself. With a mail page this is a development stack, and it says so."""

    currency_code: str
    mail_page: str | None


@dataclass(frozen=True)
class File:
    body: bytes
    media_type: str
    policy: str

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


def pages(settings: PurchaseSettings) -> list[ControllerRouterHandler]:
    """`/` and what it is made of; everybody may have it."""
    files = read(settings)

    @route("/", http_method=READING, include_in_schema=False)
    async def page(if_none_match: IfNoneMatch = None) -> Response[Any]:
        return answer(files[INDEX], if_none_match)

    @route("/static/{name:str}", http_method=READING, include_in_schema=False)
    async def static(name: FromPath[str], if_none_match: IfNoneMatch = None) -> Response[Any]:
        if name not in files:
            raise NotFound("file")
        return answer(files[name], if_none_match)

    return [page, static]


def read(settings: PurchaseSettings) -> dict[str, File]:
    """By name. Nothing outside of the folder has one."""
    shop = Shop(currency_code=settings.currencies[0], mail_page=settings.mail_page_url)
    policy = POLICY % (f" {settings.pictures_url}" if settings.pictures_url else "")
    return {
        **{file.name: File(file.read_bytes(), MEDIA_TYPES[file.suffix], policy) for file in FOLDER.iterdir()},
        SHOP: File(msgspec.json.encode(shop), "application/json", policy),
    }


def answer(file: File, if_none_match: str | None) -> Response[Any]:
    """304 for whoever has exactly this (RFC 9110, 13.1.2; a comparison of weak tags)."""
    headers = HEADERS | {"ETag": file.etag, "Content-Security-Policy": file.policy}
    known = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    if known & {file.etag, "*"}:
        return Response(None, status_code=HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(file.body, status_code=HTTP_200_OK, media_type=file.media_type, headers=headers)
