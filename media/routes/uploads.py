"""Files in: a form of any length, read as it comes."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import UUID

from litestar import post
from litestar.connection import Request
from litestar.di import NamedDependency

from common.http.auth import Caller, verified
from common.http.dependencies import Me
from common.http.errors import FieldError, NotFound, Refused
from common.http.openapi import also, form
from common.http.protocol import be_patient
from media.form import Bad, Form
from media.inspection import Unfit
from media.intake import Gone, Item
from media.model import MOST_ALT, MOST_FILES, Format
from media.routes.views import Uploaded, views
from media.sellers import Sellers
from media.settings import MediaSettings
from media.spool import TooLarge, Unsupported
from media.staging import Staging

FIELDS = {
    "product_id": {"type": "string", "format": "uuid"},
    "alt": {
        "type": "array",
        "items": {"type": "string", "maxLength": MOST_ALT},
        "maxItems": MOST_FILES,
        "description": "One for all, or one for each file, in their order.",
    },
    "data": {
        "type": "array",
        "items": {"type": "string", "format": "binary"},
        "minItems": 1,
        "maxItems": MOST_FILES,
        "description": f"Files: {', '.join(Format)}.",
    },
}
STATUS = {"too_many_pixels": 422, "damaged_media": 422, "unsupported_media": 415}
BESIDE_THE_FILES = 2**16
"""Bytes of a form's other parts, and of what is between them."""


class Door:
    """Who may send, how many at once, and what becomes of it. One per process."""

    def __init__(self, settings: MediaSettings, sellers: Sellers, staging: Staging) -> None:
        self.sellers = sellers
        self.inspector = staging.inspector
        self.intake = staging.intake
        self.folder = staging.folder
        self.limits = staging.limits
        self._most = settings.uploads_at_once
        self._most_of_one = settings.uploads_per_account
        self._inside: Counter[UUID] = Counter()

    @property
    def most_bytes(self) -> int:
        return MOST_FILES * max(self.limits.values()) + BESIDE_THE_FILES

    @contextmanager
    def entered(self, account_id: UUID) -> Iterator[None]:
        """Raises Refused."""
        if self._inside[account_id] >= self._most_of_one:
            detail = f"{self._most_of_one} uploads at once are enough."
            raise Refused(429, "too_many_uploads", detail, headers={"Retry-After": "5"})
        if self._inside.total() >= self._most:
            raise Refused(503, "busy", "Too many are uploading now.", headers={"Retry-After": "5"})
        self._inside[account_id] += 1
        try:
            yield
        finally:
            self._inside[account_id] -= 1
            self._inside += Counter()  # forgets those who left

    async def admit(self, caller: Caller, product_id: UUID) -> None:
        """Somebody else's product is as unknown as none at all. Raises NotFound."""
        seller = await self.sellers.of(product_id)
        if seller is None or (seller != caller.account_id and not caller.is_admin):
            raise NotFound("product")


Entrance = NamedDependency[Door]


@post(
    "/media/upload",
    guards=[verified],
    request_max_body_size=None,
    opt=form(FIELDS, needed=["product_id", "data"]) | also(404, 415, 422, 429),
)
async def upload_media(request: Request[Caller, Any, Any], caller: Me, door: Entrance) -> Uploaded:
    """All files of the form, or none of them. Whatever they are called, what is in them counts."""
    if (request.content_length or 0) > door.most_bytes:
        raise Refused(413, "too_large", f"A form has {door.most_bytes:,} bytes at most.")
    door.intake.store.expect()
    with door.entered(caller.account_id), ExitStack() as until:
        be_patient(request.scope)
        sent = Form(door.folder, door.limits, lambda product: door.admit(caller, product), until)
        try:
            product_id = await sent.read(request.headers.get("Content-Type", ""), request.stream())
            made = [await door.inspector.look(file, kind, until) for file, kind in sent.files]
            items = [Item(each, alt) for each, alt in zip(made, sent.alts, strict=True)]
            stored = await door.intake.keep(caller.account_id, product_id, items)
        except (Bad, TooLarge, Unsupported, Unfit, Gone) as error:
            raise refusal(error) from error
    return Uploaded(items=views(stored, door.intake.store))


def refusal(error: Exception) -> Refused:
    """What is told to whoever sent it."""
    match error:
        case TooLarge():
            return Refused(413, "too_large", str(error))
        case Unsupported():
            return Refused(415, "unsupported_media", str(error))
        case Unfit(code=code):
            return Refused(STATUS[code], code, str(error))
        case Bad(field=field):
            errors = [FieldError(field, str(error))] if field else []
            return Refused(400, "invalid", str(error), errors=errors)
        case _:
            return NotFound("product")


ROUTES = [upload_media]
