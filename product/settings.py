"""What the service needs from its environment."""

from typing import Annotated

import msgspec

from common.settings import ApiSettings

Currency = Annotated[str, msgspec.Meta(max_length=3, pattern=r"^[A-Z]{3}$")]


class ProductSettings(ApiSettings, frozen=True, kw_only=True):
    currencies: tuple[Currency, ...] = ("VND",)
    """ISO 4217 codes in which a product may have its price; the first is the default."""
