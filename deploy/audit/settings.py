"""Where the auditor finds everything, when no embedded stack tells it."""

import msgspec


class AuditSettings(msgspec.Struct, frozen=True, kw_only=True):
    host: str = "127.0.0.1"
    port: int
    """Of `/metrics`, with `--every`."""
    databases: dict[str, str]
    """Service -> URL of the role `auditor`."""
    psp_url: str
    nats_url: str | None = None
    """Of a user who may look at the stream; only histories ask."""
