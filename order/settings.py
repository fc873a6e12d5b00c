"""What the order service needs to know."""

from common.settings import CacheSettings


class OrderSettings(CacheSettings, frozen=True, kw_only=True):
    service: str = "order"
