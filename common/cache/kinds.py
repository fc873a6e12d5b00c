"""The two filters that Redis may have, by what they are told."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

Name = Literal["cuckoo", "bloom", "off"]
Command = tuple[str | int | bytes, ...]


class Kind(NamedTuple):
    """Neither grows by itself: one that is full says so, and is built anew with more room."""

    reserve_word: str
    precision: tuple[str, ...]
    options: tuple[str, ...]
    insert_word: str
    exists_word: str

    def reserve(self, key: str, capacity: int) -> Command:
        return (self.reserve_word, key, *self.precision, capacity, *self.options)

    def insert(self, key: str, members: Sequence[bytes]) -> Command:
        """Never makes the filter: one that was lost is not the one that was complete."""
        return (self.insert_word, key, "NOCREATE", "ITEMS", *members)

    def exists(self, key: str, members: Sequence[bytes]) -> Command:
        return (self.exists_word, key, *members)


KINDS: dict[str, Kind] = {
    # One to a bucket: 2 of 1000 unknown ids pass. Members are never taken out (a false positive may stand for
    # two), so that a filter only ever knows too much.
    "cuckoo": Kind("CF.RESERVE", (), ("BUCKETSIZE", "1", "EXPANSION", "0"), "CF.INSERTNX", "CF.MEXISTS"),
    "bloom": Kind("BF.RESERVE", ("0.002",), ("NONSCALING",), "BF.INSERT", "BF.MEXISTS"),
}
