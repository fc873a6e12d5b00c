"""Uploads by a link: for large files on slow lines, which go to the object store without a stop here."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from common.http.auth import verified
from common.http.dependencies import Me
from common.http.errors import NotFound, Refused
from common.http.openapi import also
from media.inspection import Unfit
from media.intake import Gone
from media.model import MOST_ALT
from media.routes.uploads import Entrance, refusal
from media.routes.views import Uploaded, views
from media.spool import TooLarge, Unsupported
from media.staging import NotThere, Staging, TooMany

Past = NamedDependency[Staging]


class NewUpload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`size`: how many bytes will come, exactly."""

    product_id: UUID
    alt: Annotated[str, Meta(max_length=MOST_ALT, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    size: Annotated[int, Meta(ge=1, le=2**40)]


class UploadLink(msgspec.Struct, frozen=True, kw_only=True):
    """Send the file there, by this method, and then hand it in by its `id`."""

    id: UUID
    method: str
    url: str
    expires_at: datetime


@post("/media/uploads", guards=[verified], opt=also(404, 413, 429))
async def offer_upload(data: JSONBody[NewUpload], caller: Me, door: Entrance, staging: Past) -> UploadLink:
    """The link is good for one file of this size, and for a while."""
    await door.admit(caller, data.product_id)
    if data.size > max(door.limits.values()):
        raise Refused(413, "too_large", f"A file has {max(door.limits.values()):,} bytes at most.")
    try:
        made = await staging.offer(caller.account_id, data.product_id, data.alt, data.size)
    except TooMany:
        detail = "Hand in what you have uploaded first."
        raise Refused(429, "too_many_uploads", detail, headers={"Retry-After": "60"}) from None
    return UploadLink(id=made[0], method="PUT", url=made[1], expires_at=made[2])


@post("/media/uploads/{upload_id:uuid}", opt=also(409, 413, 415, 422, 429))
async def hand_in_upload(upload_id: FromPath[UUID], caller: Me, door: Entrance, staging: Past) -> Uploaded:
    """The same checks as ever; what does not pass them is gone."""
    staging.store.expect()
    try:
        with door.entered(caller.account_id):
            stored = await staging.hand_in(upload_id, caller.account_id)
    except NotThere:
        raise Refused(409, "not_uploaded", "Nothing has come by the link yet.") from None
    except (TooLarge, Unsupported, Unfit, Gone) as error:
        raise refusal(error) from error
    if stored is None:
        raise NotFound("upload")
    return Uploaded(items=views(stored, staging.store))


ROUTES = [offer_upload, hand_in_upload]
