"""The watching with one rule taken out at a time: small patches over the project's own classes."""

from collections.abc import Callable, Sequence

from purchase.followers import Follower, Followers, Frame
from tests.model.journal import Pen


class SubscribedLate(Follower):
    """Replay before subscribe: it hears nothing until it has read the log once."""

    has_read = False

    def read(self, page: Sequence[Frame], most: int) -> None:
        super().read(page, most)
        self.has_read = not self.has_gap

    def offer(self, frame: Frame) -> None:
        if self.has_read:
            super().offer(frame)


class Unfiltered(Follower):
    """No id filter: it sends what it hears, unless something is missing before it."""

    def take(self) -> Frame | None:
        if self.found:
            return super().take()
        if self.waiting and not self.has_gap:
            if self.waiting[0][0] <= self.sent + 1:
                return self._sending(self.waiting.pop(0))
            self.has_gap = True
        return None


class Careless(Follower):
    """No gap fill: it sends whatever is newer."""

    def take(self) -> Frame | None:
        if self.found:
            return super().take()
        while self.waiting and not self.has_gap:
            frame = self.waiting.pop(0)
            if frame[0] > self.sent:
                return self._sending(frame)
        return None


async def never_polled(followers: Followers) -> None:
    """No poll."""


class Early(Pen):
    """Publish before commit."""

    def after_commit(self, callback: Callable[[], None]) -> None:
        callback()
