"""What the media service needs to know."""

from typing import Annotated

import msgspec

from common.settings import ApiSettings

Bytes = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class MediaSettings(ApiSettings, frozen=True, kw_only=True):
    service: str = "media"
    s3_address: str
    """The object store, as host:port."""
    s3_user: str = "media"
    s3_password: str
    s3_secure: bool = False
    """Whether it speaks TLS."""
    s3_region: str = "us-east-1"
    s3_public_url: str
    """The same as browsers know it, or what serves it to them: URLs of pictures and links begin with it."""
    upload_folder: str | None = None
    """Where an upload lies until it is checked, without a name; the system's temporary folder if unset."""
    image_limit: Bytes = 5 * 2**20
    """Bytes of a picture; more is answered 413."""
    video_limit: Bytes = 256 * 2**20
    uploads_at_once: Annotated[int, msgspec.Meta(ge=1)] = 8
    """Of one process; more are answered 503."""
    uploads_per_account: Annotated[int, msgspec.Meta(ge=1)] = 2
    """At once, at one process; more are answered 429."""
    link_seconds: Annotated[int, msgspec.Meta(ge=1, le=604_800)] = 900
    """How long a link to download or to upload is good for."""
    media_sweep_seconds: Seconds = 5.0
    """How often a process looks for what was left undone."""
    media_pending_seconds: Seconds = 3600.0
    """After which an upload that did not finish never will: longer than the object store may take for it."""
    media_compare_seconds: Seconds = 3600.0
    """How often rows and objects are compared."""
