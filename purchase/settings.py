"""What purchase needs to know."""

from common.settings import ApiSettings


class PurchaseSettings(ApiSettings, frozen=True, kw_only=True):
    service: str = "purchase"
    redis_url: str
    """One address, or several of a cluster with commas between them; any of them tells the others."""
    redis_cluster: bool = False
    """Whether the address is a cluster's."""
    currencies: tuple[str, ...] = ("VND",)
    deadline: float = 30.0
    """Seconds from acceptance to TIMED_OUT."""
    redrive_after: float = 10.0
    """Seconds without progress after which an unsettled purchase is told again; doubles up to 10 minutes."""
    pending_per_account: int = 100
    backlog_limit: int = 500
    """Purchases PENDING for over 10 s, above which the shop closes its door until they are decided (P17)."""
    streams_per_account: int = 20
    mail_page_url: str | None = None
    """A development stack: where people find the mail it catches; the page links there."""

    def __post_init__(self) -> None:
        if "," in self.redis_url and not self.redis_cluster:
            raise ValueError("several addresses in `redis_url` need `redis_cluster`")
