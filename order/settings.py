"""What the order service needs to know."""

from common.settings import ApiSettings


class OrderSettings(ApiSettings, frozen=True, kw_only=True):
    service: str = "order"
