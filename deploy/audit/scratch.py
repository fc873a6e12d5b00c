"""A private file on the disk, gone when it is closed: memory stays what it is, however much is compared."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from deploy.psp.book import Entry

SCHEMA = """
CREATE TABLE money (id TEXT PRIMARY KEY, holds INTEGER, held INTEGER, captures INTEGER, taken INTEGER)
  WITHOUT ROWID;
CREATE TABLE heard (id TEXT, receiver TEXT, PRIMARY KEY (id, receiver)) WITHOUT ROWID;
"""
FOLD = """
INSERT INTO money VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
  holds = holds + excluded.holds, held = held + excluded.held,
  captures = captures + excluded.captures, taken = taken + excluded.taken
"""
WITHIN = "SELECT id, holds, held, captures, taken FROM money WHERE id > ? AND id <= ?"
STRANGE = "SELECT id, holds, held, captures, taken FROM money WHERE length(id) <> 36 OR id > ? LIMIT 1000"


class Money(NamedTuple):
    """What the provider's ledger says of one purchase: how often it held and took, and what."""

    holds: int = 0
    held: int = 0
    captures: int = 0
    taken: int = 0


NOTHING = Money()


class Scratch:
    """The provider's ledger by purchase, and what was heard and is still to be explained."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        self._db.close()

    def fold(self, entries: Iterable[Entry]) -> None:
        self._db.executemany(FOLD, [(each.authorization, *moved(each)) for each in entries])

    def money(self, low: UUID, high: UUID) -> dict[str, Money]:
        """Ids as text have the order of UUIDs."""
        return {key: Money(*rest) for key, *rest in self._db.execute(WITHIN, (str(low), str(high)))}

    def strange(self) -> dict[str, Money]:
        """Of authorizations that no purchase of ours can have asked for."""
        return {key: Money(*rest) for key, *rest in self._db.execute(STRANGE, ("g",))}

    def hear(self, receiver: str, ids: Iterable[str]) -> None:
        self._db.executemany("INSERT OR IGNORE INTO heard VALUES (?, ?)", [(each, receiver) for each in ids])

    def explain(self, ids: Sequence[str]) -> None:
        """They were said: whoever heard them heard right."""
        self._db.executemany("DELETE FROM heard WHERE id = ?", [(each,) for each in ids])

    def unexplained(self, limit: int) -> list[tuple[str, str]]:
        return self._db.execute("SELECT id, receiver FROM heard ORDER BY id LIMIT ?", (limit,)).fetchall()


def moved(entry: Entry) -> Money:
    """An entry that moved nothing has the amount 0."""
    match entry.status:
        case "authorized":
            return Money(holds=1, held=entry.amount)
        case "captured":
            return Money(held=-entry.amount, captures=entry.amount > 0, taken=entry.amount)
        case "voided":
            return Money(held=-entry.amount)
        case _:
            return Money()
