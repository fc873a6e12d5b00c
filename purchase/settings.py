"""What purchase needs to know."""

from common.settings import Origin, RedisSettings


class PurchaseSettings(RedisSettings, frozen=True, kw_only=True):
    service: str = "purchase"
    currencies: tuple[str, ...] = ("VND",)
    deadline: float = 30.0
    """Seconds from acceptance to TIMED_OUT."""
    redrive_after: float = 10.0
    """Seconds without progress after which an unsettled purchase is told again; doubles up to 10 minutes."""
    pending_per_account: int = 100
    backlog_limit: int = 500
    """Purchases PENDING for over 10 s, above which the shop closes its door until they are decided (P17)."""
    streams_per_account: int = 20
    streams_at_once: int = 12_000
    """Of one process, which takes some 6 KB for each; more are answered 503, and tried again later."""
    pictures_url: Origin | None = None
    """Where browsers find the pictures of products; the page shows them from there alone."""
    mail_page_url: str | None = None
    """A development stack: where people find the mail it catches; the page links there."""
