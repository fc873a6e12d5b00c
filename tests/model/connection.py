"""One open stream of the real handler, driven by hand: it stops wherever it waits, and is told what happened.

A coroutine cannot be copied. So a stream is known by how it was driven, and whatever is done to it is done to
a new one that has been driven the same way. Two that wait for the same, and hold the same, are one.
"""

from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, cast
from unittest.mock import patch
from uuid import UUID

from common.http.auth import Caller
from common.http.errors import Refused
from common.http.pulse import Pulse
from common.http.staying import Staying
from common.http.telling import Frames
from purchase import followers, sse, streams
from purchase.followers import Follower, Followers
from purchase.settings import PurchaseSettings
from tests.model.journal import Events, Journal, Log
from tests.model.network import Numbers
from tests.model.pausing import ASKED, ENDED, SENDING, Pause, Reader, woken
from tests.model.provider import at_once
from tests.model.words import CUSTOMER

QUEUE = 3
"""Instead of 64: so that it overflows."""
PAGE = 2
"""Instead of 500: so that one page is not all."""

TURNED_AWAY = 204

HELD = ("sent", "has_gap", "is_closed", "found", "waiting")
"""What a follower decides by; a mutant's own comes on top of it."""

Connection = int
"""The number of a stream in what it waits for and holds."""


async def polled(found: Followers) -> None:
    """One round of the real poll."""
    await found._find_behind(found._everybody())


@dataclass(frozen=True)
class Handling:
    """What the project does for a stream; a mutant is the same with one of them wrapped."""

    follower: type[Follower] = Follower
    poll: Callable[[Followers], Awaitable[None]] = polled


HANDLING = Handling()
CALLER = Caller(
    account_id=CUSTOMER, session_id=UUID(int=3), version=1, role="customer", verified=True, expires_at=0
)
SETTINGS = PurchaseSettings(port=0, nats_url="", database_url="", jwks_url="", redis_url="")


FAREWELL = b": the replica stops\n\n"
"""Told from the greeting, after which something else comes, and without its jitter."""


class Standing(NamedTuple):
    """All about a stream that can make a difference from now on."""

    at: Pause
    last_id: int | None
    """With which it was opened."""
    is_stopped: bool
    is_woken: bool = False
    held: tuple[Any, ...] = ()
    """By its follower."""


class Live:
    """A process with one stream: of `purchase`, or of the account."""

    def __init__(self, handling: Handling, purchase: UUID | None, last_id: int | None) -> None:
        self.handling = handling
        self.last_id = last_id
        self.followers = Followers(Reader())
        self.follower: Follower | None = None
        self.at = Pause("")
        self._frames: Frames | None = None
        self._coroutine = self._serve(purchase, None if last_id is None else str(last_id))
        self.go(None)

    @property
    def standing(self) -> "Standing":
        each = self.follower
        if each is None or self.at.where == ENDED:
            return Standing(self.at, self.last_id, self.followers.is_stopping)
        held = [getattr(each, name) for name in HELD] + list(getattr(each, "__dict__", {}).values())
        held = [tuple(value) if isinstance(value, list) else value for value in held]
        return Standing(self.at, self.last_id, self.followers.is_stopping, each._is_woken, tuple(held))

    def go(self, answer: Any) -> None:
        """On to where it waits next."""
        try:
            with self._patched():
                self.at = self._coroutine.send(answer)
        except StopIteration as ended:
            self.at = Pause(ENDED, ended.value)

    def hear(self, events: Events) -> None:
        with self._patched():
            self.followers.hear(events)

    def poll(self, journal: Journal, log: Log) -> None:
        round_ = cast("Generator[Pause, Any, None]", self.handling.poll(self.followers).__await__())
        try:
            asked = next(round_)
            round_.send(journal.answer(log, *asked.what))
        except StopIteration:
            pass

    def close(self) -> None:
        """The client has gone: the server cancels what waits, or closes what has handed over a frame."""
        if self.at.where == ENDED:
            return
        with suppress(CancelledError):
            self._coroutine.throw(CancelledError())
        if self._frames and self.at.where == SENDING:
            at_once(self._frames.aclose())
        assert not self.followers._everybody(), "a stream that was left is still followed"

    async def _serve(self, purchase: UUID | None, last_id: str | None) -> int:
        """The real handlers, and what the server does with what they return; the status when it is over."""
        of_all = {
            "db": Reader(),
            "caller": CALLER,
            "followers": self.followers,
            "pulse": Pulse(b""),
            "settings": SETTINGS,
        }
        try:
            if purchase is None:
                response = await streams.watch_purchases.fn(**of_all, last_event_id=last_id)
            else:
                response = await streams.watch_purchase.fn(purchase, **of_all, last_event_id=last_id)
        except Refused as refused:
            return refused.status_code
        if isinstance(response, Staying):
            self._frames = response.frames
            async for frame in self._frames:
                await Pause(SENDING, frame if frame.startswith(b"id") or frame == FAREWELL else b"")
        return response.status_code or 200

    @contextmanager
    def _patched(self) -> Iterator[None]:
        """Smaller bounds, the mutant's functions, and waiting that is ours to end."""
        with (
            patch.object(followers, "MOST_WAITING", QUEUE),
            patch.object(sse, "PAGE", PAGE),
            patch.object(sse, "farewell", lambda: FAREWELL),
            patch.object(streams, "Follower", self._following),
            patch.object(Follower, "woken", woken),
        ):
            yield

    def _following(self, *names: Any, of_account: bool) -> Follower:
        self.follower = self.handling.follower(*names, of_account=of_account)
        return self.follower


class Connections:
    """Every stream in every state that it got into, and what became of it."""

    def __init__(self, journal: Journal, handling: Handling, purchase: UUID | None) -> None:
        self.journal = journal
        self.handling = handling
        self.purchase = purchase
        self._standings = Numbers[Standing]()
        self._ways: list[tuple[Any, ...]] = []
        self._opened: dict[int | None, Connection] = {}
        self._after: dict[tuple[Connection, str, Any], Connection] = {}

    def opened(self, last_id: int | None) -> Connection:
        if last_id not in self._opened:
            live = Live(self.handling, self.purchase, last_id)
            self._opened[last_id] = self._number(live, (last_id,))
        return self._opened[last_id]

    def after(self, connection: Connection, what: str, value: Any = None) -> Connection:
        """What a stream becomes: `what` is a method of ours that does it to the living one."""
        key = (connection, what, value)
        if key not in self._after:
            last_id, *moves = self._ways[connection]
            live = Live(self.handling, self.purchase, last_id)
            for move in (*moves, (what, value)):
                getattr(self, f"_{move[0]}")(live, move[1])
            self._after[key] = self._number(live, (last_id, *moves, (what, value)))
        return self._after[key]

    def at(self, connection: Connection) -> Pause:
        return self._standings.things[connection].at

    def is_woken(self, connection: Connection) -> bool:
        return self._standings.things[connection].is_woken

    def is_stopped(self, connection: Connection) -> bool:
        return self._standings.things[connection].is_stopped

    def met(self) -> set[str]:
        """Wherever a stream has waited."""
        return {each.at.where for each in self._standings.things}

    def _number(self, live: Live, way: tuple[Any, ...]) -> Connection:
        number = self._standings.of(live.standing)
        if number == len(self._ways):
            self._ways.append(way)
        live.close()
        return number

    def _snapshot(self, live: Live, log: Log) -> None:
        live.at = Pause(ASKED, self.journal.answer(log, *live.at.what))

    def _answered(self, live: Live, _: None) -> None:
        live.go(live.at.what)

    def _read(self, live: Live, _: None) -> None:
        live.go(None)

    def _woken(self, live: Live, _: None) -> None:
        live.go(None)

    def _heard(self, live: Live, batch: int) -> None:
        live.hear(self.journal.batch(batch))

    def _resubscribed(self, live: Live, _: None) -> None:
        live.followers.look_again()

    def _polled(self, live: Live, log: Log) -> None:
        live.poll(self.journal, log)

    def _stopped(self, live: Live, _: None) -> None:
        live.followers.stop()
