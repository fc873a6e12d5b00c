"""Breadth first through every state that a space can get into, and the shortest way to a bad one."""

import random
import time
from array import array
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Generic, Protocol, TypeVar

S = TypeVar("S", bound=Hashable)
Move = object


class Violation(Exception):
    """What must never happen has happened on the way into a state."""


class Space(Protocol[S]):
    """A start, the moves of everybody who can move, and what must hold."""

    @property
    def start(self) -> S: ...

    def moves(self, state: S) -> Iterable[tuple[Move, S]]:
        """Raises Violation."""
        ...

    def broken(self, state: S) -> str | None:
        """What is wrong in this state, whatever comes."""
        ...

    def rests(self, state: S) -> bool:
        """Whether nobody has to move any more, even if somebody could."""
        ...

    def unfinished(self, state: S) -> str | None:
        """What is wrong with ending here."""
        ...

    def excused(self, state: S) -> bool:
        """Whether it is only the end of a budget when nothing good can follow."""
        ...

    def weight(self, move: Move) -> float:
        """How readily a random walk makes this move, as against others."""
        ...

    def told(self, move: Move) -> str: ...


@dataclass(frozen=True)
class Result:
    """`wrong` is None when all states were seen and none is bad."""

    states: int
    edges: int
    ends: int
    seconds: float
    wrong: str | None
    story: Sequence[str] = ()
    """The moves that lead there."""


@dataclass
class _Seen(Generic[S]):
    """Every state by its number, how it was reached first, and all edges."""

    states: list[S]
    numbers: dict[S, int]
    parents: "array[int]" = field(default_factory=lambda: array("i", [-1]))
    sources: "array[int]" = field(default_factory=lambda: array("i"))
    targets: "array[int]" = field(default_factory=lambda: array("i"))

    def add(self, state: S, parent: int) -> None:
        number = self.numbers.setdefault(state, len(self.states))
        if number == len(self.states):
            self.states.append(state)
            self.parents.append(parent)
        self.sources.append(parent)
        self.targets.append(number)

    def backwards(self) -> tuple["array[int]", "array[int]"]:
        """All sources, those of one target together; and where each target's begin."""
        first = array("i", bytes(4 * (len(self.states) + 1)))
        for target in self.targets:
            first[target + 1] += 1
        for number in range(len(self.states)):
            first[number + 1] += first[number]
        into, free = array("i", self.sources), first[:]
        for source, target in zip(self.sources, self.targets, strict=True):
            into[free[target]] = source
            free[target] += 1
        return first, into


def explore(space: Space[S], *, most: int = 5_000_000) -> Result:
    """Safety in every state, a good end in every last one, and a way to one from every other."""
    began = time.process_time()
    seen = _Seen([space.start], {space.start: 0})
    ends: list[int] = []
    wrong: tuple[str, int] | None = None
    number = 0
    while wrong is None and number < len(seen.states) < most:
        try:
            wrong = _visit(space, seen, number, ends)
        except Violation as violation:
            wrong = (str(violation), number)
        number += 1
    if wrong is None and len(seen.states) >= most:
        wrong = (f"more than {most} states", 0)
    wrong = wrong or _stuck(space, seen, ends)
    return Result(
        states=len(seen.states),
        edges=len(seen.targets),
        ends=len(ends),
        seconds=time.process_time() - began,
        wrong=wrong[0] if wrong else None,
        story=_story(space, seen, wrong[1]) if wrong else (),
    )


def _visit(space: Space[S], seen: _Seen[S], number: int, ends: list[int]) -> tuple[str, int] | None:
    state = seen.states[number]
    if wrong := space.broken(state):
        return wrong, number
    before = len(seen.targets)
    for _, after in space.moves(state):
        if after != state:
            seen.add(after, number)
    if len(seen.targets) == before or space.rests(state):
        wrong = space.unfinished(state)
        if wrong is None:
            ends.append(number)
        elif not space.excused(state):
            return wrong, number
    return None


def _stuck(space: Space[S], seen: _Seen[S], ends: Sequence[int]) -> tuple[str, int] | None:
    """The first state from which no good end can be reached."""
    first, into = seen.backwards()
    can_end = bytearray(len(seen.states))
    for end in ends:
        can_end[end] = True
    waiting = list(ends)
    while waiting:
        number = waiting.pop()
        for source in into[first[number] : first[number + 1]]:
            if not can_end[source]:
                can_end[source] = True
                waiting.append(source)
    for number, state in enumerate(seen.states):
        if not can_end[number] and not space.excused(state):
            return "can never end well", number
    return None


def _story(space: Space[S], seen: _Seen[S], number: int) -> list[str]:
    """Replays the way: which move led from each state to the next is not kept."""
    way = [number]
    while (parent := seen.parents[way[-1]]) >= 0:
        way.append(parent)
    way.reverse()
    return [
        next(
            space.told(move) for move, after in space.moves(seen.states[here]) if after == seen.states[there]
        )
        for here, there in pairwise(way)
    ]


def walk(space: Space[S], seed: int, *, most: int = 1000) -> Result:
    """One way through a space too large to see whole: the moves of one seed."""
    began, chance = time.process_time(), random.Random(seed)
    state, story = space.start, list[str]()
    wrong = space.broken(state)
    while wrong is None and len(story) < most and not space.rests(state):
        try:
            moves = list(space.moves(state))
        except Violation as violation:
            wrong = str(violation)
            break
        if not moves:
            break
        [(move, state)] = chance.choices(moves, [space.weight(move) for move, _ in moves])
        story.append(space.told(move))
        wrong = space.broken(state)
    if wrong is None and not space.excused(state):
        wrong = space.unfinished(state)
    return Result(len(story) + 1, len(story), 1, time.process_time() - began, wrong, story)
