"""What the provider knows and decides. Pure: a request and what was answered before make an entry."""

from datetime import datetime
from typing import Annotated

import msgspec

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"\A[\x21-\x7e]+\Z")]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=r"\A[a-z0-9_]+\Z")]
Amount = Annotated[int, msgspec.Meta(ge=0, le=2**53)]

ORDINARY = "tok_ok"
TOKENS = {
    ORDINARY: None,
    "tok_decline": "card_declined",
    "tok_slow": None,
    "tok_timeout_after": None,
    "tok_error_after": None,
}
"""Token -> why it is declined."""


class Authorize(
    msgspec.Struct, frozen=True, tag="authorize", tag_field="operation", forbid_unknown_fields=True
):
    """Hold the amount. `installments` and `method` are only written down."""

    amount: Amount
    currency_code: Annotated[str, msgspec.Meta(pattern=r"\A[A-Z]{3}\Z")]
    method: Word
    installments: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    token: Annotated[str, msgspec.Meta(min_length=1, max_length=255)] = ORDINARY


class Capture(msgspec.Struct, frozen=True, tag="capture", tag_field="operation", forbid_unknown_fields=True):
    """Take what is held."""

    authorization: Key


class Void(msgspec.Struct, frozen=True, tag="void", tag_field="operation", forbid_unknown_fields=True):
    """Give back what is held, or forbid that it ever will be."""

    authorization: Key


Request = Authorize | Capture | Void


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the ledger. `amount` is what it held, took or gave back: 0 when it moved nothing."""

    seq: int
    at: datetime
    key: str
    authorization: str
    status: str
    reason: str | None = None
    amount: int = 0
    currency_code: str | None = None
    request: Request


class Hold(msgspec.Struct, frozen=True):
    """An authorization as it stands: authorized, declined, captured or voided."""

    id: str
    status: str
    amount: int = 0
    currency_code: str | None = None


class KeyReused(Exception):
    """The key has been used for another request."""


class Book:
    """Every entry by its key, and what they add up to: at most one hold and one capture per authorization."""

    def __init__(self, payment_limit: int | None = None, forgotten: int = 0) -> None:
        """`forgotten` are the entries that came before all that will be recorded."""
        self.payment_limit = payment_limit
        self.forgotten = forgotten
        self.entries: dict[str, Entry] = {}
        self.holds: dict[str, Hold] = {}

    def record(self, entry: Entry) -> None:
        self.entries[entry.key] = entry
        if entry.status != "refused":
            moved = (entry.amount, entry.currency_code) if entry.amount else (0, None)
            self.holds[entry.authorization] = Hold(entry.authorization, entry.status, *moved)

    def known(self, key: str, request: Request) -> Entry | None:
        """What was answered under this key. Raises KeyReused."""
        entry = self.entries.get(key)
        if entry is not None and entry.request != request:
            raise KeyReused
        return entry

    def decide(self, key: str, request: Request, at: datetime) -> Entry:
        """The entry for a key that is new; not recorded yet."""
        authorization = key if isinstance(request, Authorize) else request.authorization
        hold = self.holds.get(authorization)
        status, reason = self._verdict(request, hold)
        moved, currency_code = _moved(request, hold, status)
        return Entry(
            seq=self.forgotten + len(self.entries) + 1,
            at=at,
            key=key,
            authorization=authorization,
            status=status,
            reason=reason,
            amount=moved,
            currency_code=currency_code,
            request=request,
        )

    def _verdict(self, request: Request, hold: Hold | None) -> tuple[str, str | None]:
        match request:
            case Authorize():
                reason = self._decline(request, hold)
                return ("declined", reason) if reason else ("authorized", None)
            case Capture():
                if hold is None:
                    return "refused", "unknown_authorization"
                return ("captured", None) if hold.status == "authorized" else ("refused", hold.status)
            case Void():
                return ("refused", "captured") if hold and hold.status == "captured" else ("voided", None)

    def _decline(self, request: Authorize, hold: Hold | None) -> str | None:
        """Why, or None. The only hold that can be there already is a void that came first."""
        if hold is not None:
            return "voided"
        if self.payment_limit is not None and request.amount > self.payment_limit:
            return "limit_exceeded"
        return TOKENS.get(request.token, "unknown_token")


def _moved(request: Request, hold: Hold | None, status: str) -> tuple[int, str | None]:
    """Amount and currency; nothing moves by a decline, a refusal, or a void where nothing is held."""
    if status == "authorized" and isinstance(request, Authorize):
        return request.amount, request.currency_code
    if status in {"captured", "voided"} and hold is not None and hold.status == "authorized":
        return hold.amount, hold.currency_code
    return 0, None
