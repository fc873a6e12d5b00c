"""What the payment service needs to know."""

from typing import Annotated

import msgspec

from common.settings import CacheSettings

Seconds = Annotated[float, msgspec.Meta(gt=0)]


class PaymentSettings(CacheSettings, frozen=True, kw_only=True):
    service: str = "payment"
    psp_url: str
    """The provider, without a path."""
    provider_concurrency: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 32
    """Questions one process has open at the provider at the same time."""
    provider_timeout: Seconds = 5.0
    retry_seconds: Seconds = 5.0
    """After a first call without an answer; doubled each time up to the most."""
    retry_most_seconds: Seconds = 60.0
    attention_hours: Seconds = 12.0
    """Without an answer for so long, a payment is a matter for a human."""
