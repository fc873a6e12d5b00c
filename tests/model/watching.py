"""A client and the log that it watches, as a state space: the real handler against an adversary (protocol 8).

It commits and rolls back in between anything, lets wake-ups come in any order, late, again or never, lets
Redis go and come back, cuts the connection anywhere, stops the replica, and sends the client to another one.
"""

from collections.abc import Iterator
from typing import NamedTuple

from purchase.event_log import Event
from purchase.model import is_last
from tests.model.connection import TURNED_AWAY, Connection, Connections
from tests.model.explore import Move, Violation
from tests.model.journal import Batch, Journal, Log
from tests.model.pausing import ASKED, ASKING, ENDED, IDLE, SENDING, Pause
from tests.model.sizes import affordable
from tests.model.watch import AGAIN, CUT, REAL, RESUBSCRIBE, ROLLBACK, Practice, Watch


class Open(NamedTuple):
    """A transaction that has its numbers, and is not committed."""

    purchase: int
    batch: Batch
    is_told: bool


class State(NamedTuple):
    log: Log
    open: tuple[Open, ...]
    drawn: int
    """The account's highest number so far, as the next transaction will find it."""
    told: tuple[Batch, ...]
    """Wake-ups on the way."""
    connection: Connection | None
    last: int | None
    """The newest event that the client has."""
    budget: int


class Watching:
    def __init__(self, watch: Watch, practice: Practice = REAL) -> None:
        self.watch = watch
        self.practice = practice
        self.journal = Journal(watch.scripts, practice.pen)
        key = None if watch.of_account else self.journal.purchases[0].id
        self.connections = Connections(self.journal, practice.handling, key)
        self.key = key
        self.start = State(self.journal.empty, (), 0, (), None, None, watch.budget)

    def moves(self, state: State) -> Iterator[tuple[Move, State]]:
        yield from self._written(state)
        yield from self._told(state)
        yield from self._connected(state) if state.connection is not None else self._apart(state)

    def broken(self, state: State) -> str | None:
        return None

    def rests(self, state: State) -> bool:
        """Nothing is to come, the client has everything, and its stream is over for good, or waits."""
        if state.connection is None or state.open or self._has_more(state) or self.unfinished(state):
            return False
        where, status = self._at(state)
        return where == IDLE if self.watch.of_account else (where, status) == (ENDED, TURNED_AWAY)

    def unfinished(self, state: State) -> str | None:
        newest = len(self._seen(state.log))
        return None if state.last == newest else "an event is missing"

    def excused(self, state: State) -> bool:
        return False

    def weight(self, move: Move) -> float:
        return 1.0

    def told(self, move: Move) -> str:
        return str(move)

    def _seen(self, log: Log) -> list[Event]:
        """What the client should see of it."""
        return [each for each in self.journal.events(log) if self.key in {None, each.purchase_id}]

    def _has_more(self, state: State) -> bool:
        return len(self.journal.events(state.log)) < self.journal.length

    def _written(self, state: State) -> Iterator[tuple[Move, State]]:
        """The deciding transactions: one at a time of each purchase, and of an account that is locked."""
        busy = {each.purchase for each in state.open}
        for purchase in range(len(self.watch.scripts)):
            if purchase not in busy and not (busy and self.practice.is_locked):
                yield from self._begun(state, purchase)
        for each in state.open:
            rest = tuple(other for other in state.open if other != each)
            after = state._replace(log=self.journal.after(state.log, each.batch), open=rest)
            yield f"commit {self._name(each.batch)}", after if each.is_told else _telling(after, each.batch)
            if affordable(state.budget, ROLLBACK):
                drawn = state.drawn - len(self.journal.batch(each.batch)) * self.practice.is_locked
                after = state._replace(open=rest, drawn=drawn, budget=state.budget - ROLLBACK)
                yield f"roll back {self._name(each.batch)}", after

    def _begun(self, state: State, purchase: int) -> Iterator[tuple[Move, State]]:
        found = self.journal.next(state.log, purchase, state.drawn)
        if found is not None:
            batch, is_told = found
            drawn = state.drawn + len(self.journal.batch(batch))
            after = state._replace(open=(*state.open, Open(purchase, batch, is_told)), drawn=drawn)
            yield f"write {self._name(batch)}", _telling(after, batch) if is_told else after

    def _told(self, state: State) -> Iterator[tuple[Move, State]]:
        is_open = state.connection is not None and self._at(state).where != ENDED
        for batch in dict.fromkeys(state.told):
            at = state.told.index(batch)
            name, rest = self._name(batch), state.told[:at] + state.told[at + 1 :]
            if self.watch.loses or not is_open:
                yield f"lost: wake-up {name}", state._replace(told=rest)
            if is_open:
                heard = self._after(state, "heard", batch)
                yield f"wake-up {name}", heard._replace(told=rest)
                if affordable(state.budget, AGAIN):
                    yield f"wake-up {name} (comes again)", heard._replace(budget=state.budget - AGAIN)

    def _apart(self, state: State) -> Iterator[tuple[Move, State]]:
        """The client knows of its purchase by the 202, which comes after the commit."""
        if self.watch.of_account or self._seen(state.log):
            yield (
                f"connect after {state.last}",
                state._replace(connection=self.connections.opened(state.last)),
            )

    def _connected(self, state: State) -> Iterator[tuple[Move, State]]:
        where, what = self._at(state)
        if where == ENDED:
            yield from self._ended(state, what)
            return
        if where == ASKING:
            yield "the database looks", self._after(state, "snapshot", state.log)
        elif where == ASKED:
            yield "its answer arrives", self._after(state, "answered")
        elif where == SENDING:
            yield self._read(state, what)
        elif self._is_woken(state):
            yield "the stream wakes", self._after(state, "woken")
        yield from self._disturbed(state)

    def _disturbed(self, state: State) -> Iterator[tuple[Move, State]]:
        yield "poll", self._after(state, "polled", state.log)
        if affordable(state.budget, RESUBSCRIBE):
            back = self._after(state, "resubscribed")
            yield "Redis was away", back._replace(told=(), budget=state.budget - RESUBSCRIBE)
        if affordable(state.budget, CUT):
            left = state.budget - CUT
            yield "the connection is cut", state._replace(connection=None, budget=left)
            yield "the replica stops", self._after(state, "stopped")._replace(budget=left)

    def _ended(self, state: State, status: int) -> Iterator[tuple[Move, State]]:
        seen = self._seen(state.log)
        has_all = bool(seen) and is_last(seen[-1].type) and state.last == len(seen)
        if status == TURNED_AWAY:
            if not has_all:
                raise Violation("turned away before the end")
        elif not has_all and not self._is_stopped(state):
            raise Violation("the stream ends before the end")
        else:
            yield "the stream has ended", state._replace(connection=None)

    def _read(self, state: State, frame: bytes) -> tuple[Move, State]:
        """The client gets a frame; it checks it against the log."""
        after = self._after(state, "read")
        if not frame.startswith(b"id"):
            return "the client reads", after
        lines = dict(line.split(": ", 1) for line in frame.decode().splitlines() if ": " in line[1:])
        number = int(lines["id"])
        if "event" in lines:
            self._check(state, number, (lines["event"], lines["data"]))
            if not self.watch.of_account and is_last(lines["event"]) and self._at(after).where != ENDED:
                raise Violation("the stream goes on after its end")
        return f"the client reads {number}", after._replace(last=number)

    def _check(self, state: State, number: int, event: tuple[str, str]) -> None:
        seen, last = self._seen(state.log), state.last or 0
        if number <= last:
            raise Violation("an event comes again")
        if number > last + 1:
            raise Violation("an event is skipped")
        if number > len(seen):
            raise Violation("an event that is not committed")
        if event != (seen[number - 1].type, seen[number - 1].data):
            raise Violation("not the event of that number")

    def _at(self, state: State) -> Pause:
        assert state.connection is not None
        return self.connections.at(state.connection)

    def _is_woken(self, state: State) -> bool:
        assert state.connection is not None
        return self.connections.is_woken(state.connection)

    def _is_stopped(self, state: State) -> bool:
        assert state.connection is not None
        return self.connections.is_stopped(state.connection)

    def _after(self, state: State, what: str, value: int | None = None) -> State:
        assert state.connection is not None
        return state._replace(connection=self.connections.after(state.connection, what, value))

    def _name(self, batch: Batch) -> str:
        events = self.journal.batch(batch)
        return " + ".join(f"{each.type} {each.purchase_id.int - 100}/{each.seq}" for each in events)


def _telling(state: State, batch: Batch) -> State:
    return state._replace(told=tuple(sorted((*state.told, batch))))
