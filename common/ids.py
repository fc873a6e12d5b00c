"""Ids of aggregates: UUIDv7 (RFC 9562, 5.7), so that new rows land at the right edge of their index."""

import os
import time
from uuid import UUID

_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_BITS = (0xFFF << 64) | ((1 << 62) - 1)


def new_id() -> UUID:
    """48 bits of Unix milliseconds, then 74 random bits: sortable to the millisecond, not within it."""
    random = int.from_bytes(os.urandom(10), "big") & _RANDOM_BITS
    return UUID(int=(time.time_ns() // 1_000_000) << 80 | _VERSION_7 | _VARIANT | random)


def made_at(made: UUID) -> float:
    """When, in seconds since 1970, by the clock of who made it."""
    return (made.int >> 80) / 1000
