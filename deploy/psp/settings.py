"""What the provider needs from its environment."""

from typing import Annotated

import msgspec


class PspSettings(msgspec.Struct, frozen=True, kw_only=True):
    host: str = "127.0.0.1"
    port: int
    ledger_file: str
    """Made, with its folder, when it is not there."""
    payment_limit: int | None = None
    """Minor units; an authorization above it is declined."""
    slow_seconds: Annotated[float, msgspec.Meta(ge=0)] = 2.0
    """What `tok_slow` takes."""
    log_level: str = "INFO"
