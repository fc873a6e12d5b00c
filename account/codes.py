"""Codes by mail: eight digits that prove a mailbox."""

import hmac
import secrets
from collections.abc import Callable, Sequence
from uuid import UUID

from account.model import Purpose

DIGITS = 8


class Codes:
    """Stored as keyed hashes: eight digits are too few to hide behind a hash that anyone can compute.

    Of the keys, the first makes new hashes and all are tried on old ones, so that codes survive a change.
    """

    def __init__(self, keys: Callable[[], Sequence[bytes]]) -> None:
        self._keys = keys

    def new(self) -> str:
        return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"

    def hashed(self, account_id: UUID, purpose: Purpose, number: int, code: str) -> bytes:
        """Bound to account and purpose, and different for every code of an account."""
        return _hashed(self._keys()[0], account_id, purpose, number, code)

    def match(self, stored: bytes, account_id: UUID, purpose: Purpose, number: int, code: str) -> bool:
        hashes = [_hashed(key, account_id, purpose, number, code) for key in self._keys()]
        return any(hmac.compare_digest(stored, each) for each in hashes)


def _hashed(key: bytes, account_id: UUID, purpose: Purpose, number: int, code: str) -> bytes:
    return hmac.digest(key, f"{purpose} {account_id} {number} {code}".encode(), "sha256")
