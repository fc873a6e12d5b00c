"""What the service needs from its environment."""

from typing import Annotated, Literal

import msgspec

from common.settings import CacheSettings

Currency = Annotated[str, msgspec.Meta(max_length=3, pattern=r"^[A-Z]{3}$")]


class ProductSettings(CacheSettings, frozen=True, kw_only=True):
    currencies: tuple[Currency, ...] = ("VND",)
    """ISO 4217 codes in which a product may have its price; the first is the default."""
    memory_mib: Annotated[int, msgspec.Meta(ge=0, le=4096)] = 32
    """Of answers that a process keeps itself, in front of Redis: one half products, the other lists."""
    memory_seconds: Annotated[float, msgspec.Meta(ge=0, le=60)] = 5.0
    """How long it shows them at most after they were read. They go sooner when they change; this is for when
    it is not told. Products that somebody asks for are compared with their rows before that."""
    id_filter: Literal["cuckoo", "bloom", "off"] = "cuckoo"
    """Answers 404 for product ids that cannot exist without asking the database. Where Redis has no such
    filter there is none."""
    keep_movements_months: Annotated[int, msgspec.Meta(ge=3, le=1200)] = 36
    """How long every movement of stock is known; then they are forgotten by the month."""
