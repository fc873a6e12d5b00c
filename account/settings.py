"""What the account service needs to know."""

from common.settings import ApiSettings


class AccountSettings(ApiSettings, frozen=True, kw_only=True):
    service: str = "account"
    jwks_url: str = ""
    """Not used: this service has the keys."""
    signing_key_file: str
    """Ed25519, PEM, PKCS 8."""
    other_key_files: tuple[str, ...] = ()
    """Keys that are published and accepted beside it: the next one before a change, the last one after it."""
    refresh_seconds: int = 30 * 86_400
    refresh_grace_seconds: float = 10.0
    """How long a spent refresh token still answers its successor: a lost answer, two tabs."""
    code_seconds: float = 600.0
    code_attempts: int = 5
    codes_per_hour: int = 3
    password_memory_kib: int = 19_456
    password_passes: int = 2
    password_queue: int = 256
    """Passwords that may wait for one of the two hashing threads; beyond that, 429."""
