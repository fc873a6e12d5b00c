"""Verification codes: eight digits that prove a mailbox."""

import hmac
import secrets
from uuid import UUID

DIGITS = 8


class Codes:
    """Stored as keyed hashes: eight digits are too few to hide behind a hash that anyone can compute."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def new(self) -> str:
        return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"

    def hashed(self, account_id: UUID, number: int, code: str) -> bytes:
        """Bound to the account, and different for every code of an account."""
        return hmac.digest(self._key, f"verify {account_id} {number} {code}".encode(), "sha256")

    def match(self, stored: bytes, account_id: UUID, number: int, code: str) -> bool:
        return hmac.compare_digest(stored, self.hashed(account_id, number, code))
