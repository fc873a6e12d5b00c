"""What the account service needs to know."""

from typing import Annotated

from msgspec import Meta

from common.settings import CacheSettings


class AccountSettings(CacheSettings, frozen=True, kw_only=True):
    service: str = "account"
    jwks_url: str = ""
    """Not used: this service has the keys."""
    signing_key_file: str
    """Ed25519, PEM, PKCS 8: the key that signs; during a change of keys, the next or the last one too."""
    key_margin_seconds: float = 90.0
    """How long a new key is published before it signs, and how much longer than what it signed an old one is
    accepted: more than anybody keeps the key set (60 s), and than clocks differ."""
    refresh_seconds: int = 30 * 86_400
    refresh_grace_seconds: float = 10.0
    """How long a spent refresh token still answers its successor: a lost answer, two tabs."""
    code_seconds: float = 600.0
    code_attempts: int = 5
    codes_per_hour: int = 3
    password_memory_kib: int = 19_456
    password_passes: int = 2
    password_queue: int = 32
    """Passwords that may wait for a hashing thread: a few seconds; beyond that, 429."""
    password_share: Annotated[float, Meta(gt=0, le=1)] = 0.1
    """Of all processors' time, the most that hashing may take. With more, more people sign in at once."""
    keep_sessions_days: float = 30.0
    """After the end of a session, and of a refresh token."""
    keep_codes_days: float = 1.0
    """After the end of a code. At least the hour within which they are counted."""
    trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Networks of the edge, whose X-Forwarded-For tells the client's address; nobody else's does."""
    tries_per_account: Annotated[int, Meta(ge=1)] = 10
    """Wrong ones of each kind (login, verify, ...) that are free; beyond them the waits grow, to a minute."""
    tries_per_address: Annotated[int, Meta(ge=1)] = 100
    tries_together: Annotated[int, Meta(ge=1)] = 10_000
    """Beyond them ten a second go on."""
    tries_seconds: Annotated[float, Meta(gt=0)] = 900.0
    """After which they are counted anew."""
