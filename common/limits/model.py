"""What a limit is. Pure.

Beyond its free tries a limit closes nothing for good: it lets one try through after each wait, and the waits
grow up to a longest one.
"""

import hashlib
from typing import NamedTuple


class Limit(NamedTuple):
    """`free` tries within `seconds`; then one after each wait: `first` seconds, doubled up to `most`."""

    name: str
    free: int
    seconds: float
    first: float
    most: float

    def wait(self, tries: int) -> float:
        """Seconds from the last of so many until the next; 0 while they are free."""
        beyond = tries - self.free
        if beyond <= 0:
            return 0.0
        return float(min(self.most, self.first * 2.0 ** min(beyond - 1, 32)))

    @property
    def stricter(self) -> "Limit":
        """For a process that does not see what the others count."""
        return self._replace(free=max(1, self.free // 4))


class Bucket(NamedTuple):
    """What is counted together. The braces keep all keys of one `whose` on one node of a cluster."""

    limit: Limit
    whose: str

    @property
    def key(self) -> str:
        return f"limits:{{{digest(self.whose)}}}:{self.limit.name}"

    @property
    def gate(self) -> str:
        return f"{self.key}:gate"


class Seen(NamedTuple):
    """A bucket after one more try: how many there were, and the seconds for which its gate is closed."""

    bucket: Bucket
    tries: int
    closed: float

    @property
    def wait(self) -> float:
        return self.bucket.limit.wait(self.tries)


class Friend(NamedTuple):
    """An account at an address from which its owner signed in: guesses from elsewhere do not count there."""

    account: str
    address: str

    @property
    def key(self) -> str:
        return f"limits:{{{digest(self.account)}}}:friend:{digest(self.address)}"


def digest(text: str) -> str:
    """Redis learns no mailbox and no address."""
    return hashlib.blake2s(text.encode(), digest_size=12).hexdigest()
