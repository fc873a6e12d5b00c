"""What was done when, in seconds since the beginning, and how soon the shop had recovered from it."""

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec


class Fault(msgspec.Struct):
    """One thing that went wrong on purpose. A kill has no length: the supervisor brings the process back."""

    what: str
    touches: list[str]
    """Services and servers that could not do their work meanwhile."""
    began: float
    ended: float
    served_after: float | None = None
    """Seconds from its end until a purchase that was clicked after it had completed."""
    caught_up_after: float | None = None
    """Seconds from its end until every purchase that was clicked before had its decision."""


@dataclass
class Timeline:
    """All faults of one shop."""

    began: float
    faults: list[Fault] = field(default_factory=list)

    def now(self) -> float:
        return time.monotonic() - self.began

    def note(self, what: str, touches: Iterable[str]) -> Fault:
        """Something that happened at once."""
        fault = Fault(what, list(touches), self.now(), self.now())
        self.faults.append(fault)
        return fault

    @asynccontextmanager
    async def lasting(self, what: str, touches: Iterable[str]) -> AsyncIterator[Fault]:
        """Something that goes on until the block is left."""
        fault = self.note(what, touches)
        fault.ended = float("inf")
        try:
            yield fault
        finally:
            fault.ended = self.now()

    @property
    def last_end(self) -> float:
        return max((fault.ended for fault in self.faults), default=0.0)

    def excuses(self, names: Iterable[str], begin: float, end: float, grace: float) -> bool:
        """Whether one of these was out of order at some time between, or shortly before."""
        wanted = {*names}
        return any(
            wanted & {*fault.touches} and fault.began <= end and fault.ended + grace >= begin
            for fault in self.faults
        )
