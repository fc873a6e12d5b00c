"""The whole shop as two state spaces: the project's rules, and an adversary between them (protocol 4).

It delivers in any order, delivers again, loses, crashes the orchestrator between its publishes and payment
between the provider's answer and its own commit, cancels, fires deadlines and re-drives whenever it likes.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from tests.model.explore import Move
from tests.model.invariants import unfinished
from tests.model.network import Known, Letter, Letters, Net, Nets
from tests.model.services import REAL, Rules
from tests.model.shop import Change, Row, Rows, Shop
from tests.model.sizes import DRIVE, DUPLICATE, LOSS, Size, affordable
from tests.model.words import LateAnswer

State = tuple[Rows, Net, Known, int]
"""What is held, what is on the way, what the inboxes know, and the budget that is left."""

Said = int
"""Every letter that was ever sent, as bits: in the chaos a state has them for its net."""

CHAOS: Known = -1
"""Instead of what the inboxes know: they know nothing."""


class Step(NamedTuple):
    """A delivery."""

    letter: Letter
    rows: Rows
    sent: Letters
    cost: int
    stays: bool
    """The letter comes again."""


class Counted:
    """Every fault has a budget; what was delivered is gone, what is lost comes again only by a re-drive."""

    def __init__(self, size: Size, rules: Rules = REAL) -> None:
        self.size = size
        self.shop = Shop(size, rules)
        self.nets = Nets(self.shop.post, are_sets=self.has_sets)
        self._delivered: dict[tuple[Rows, Letter], list[Step]] = {}
        self._moved: dict[Rows, list[tuple[Change, Rows]]] = {}
        rows, sent = self.shop.opening()
        self.start: State = (rows, self.nets.plus(self.nets.empty, sent), 0, size.budget)

    @property
    def has_sets(self) -> bool:
        """Where nothing is lost a second copy of a letter is of no use."""
        return not self.size.losses

    def moves(self, state: State) -> Iterator[tuple[Move, State]]:
        rows, net, known, budget = state
        plus, less, bits, delivered = self.nets.plus, self.nets.less, self.shop.post.bits, self._delivered
        for letter, rest in self.nets.each(net):
            for step in delivered.get((rows, letter)) or self._deliver(rows, letter):
                if not step.cost or affordable(budget, step.cost):
                    now_known = known | bits[letter]
                    now = less(plus(net if step.stays else rest, step.sent), now_known)
                    yield step, (step.rows, now, now_known, budget - step.cost)
            if affordable(budget, LOSS) and self._can_be_lost(letter):
                yield letter, (rows, rest, known, budget - LOSS)
        for change, after in self._moved.get(rows) or self._move(rows):
            if affordable(budget, change.cost) and (net == self.nets.empty or self._needs_no_quiet(change)):
                yield change, (after, less(plus(net, change.sent), known), known, budget - change.cost)

    def broken(self, state: State) -> str | None:
        return self.shop.wrong(state[0])

    def rests(self, state: State) -> bool:
        return state[1] == self.nets.empty and self.shop.is_settled(state[0])

    def unfinished(self, state: State) -> str | None:
        return unfinished(self.shop.books(state[0]))

    def excused(self, state: State) -> bool:
        """Losses after which no re-drive is left are the budget's end, not the protocol's."""
        has_lost, may_drive = (self.size.budget - state[3]) & LOSS * 15, state[3] & DRIVE * 15
        return bool(has_lost and not may_drive) or self.shop.waits_for_human(state[0])

    def weight(self, move: Move) -> float:
        return 0.05 if isinstance(move, int) or (isinstance(move, Change) and move.is_rare) else 1.0

    def told(self, move: Move) -> str:
        told = self.shop.post.told
        match move:
            case Step() as step:
                return f"{told(step.letter)}{' (comes again)' if step.stays else ''}"
            case Change() as change:
                return change.name
            case int(letter):
                return f"lost: {told(letter)}"
        return str(move)

    def _can_be_lost(self, letter: Letter) -> bool:
        return not isinstance(self.shop.post.copies[letter].word, LateAnswer)

    def _needs_no_quiet(self, change: Change) -> bool:
        return not (change.is_drive and self.size.drives_when_quiet)

    def _deliver(self, rows: Rows, letter: Letter) -> list[Step]:
        steps = self._delivered[rows, letter] = list(self._steps(rows, letter))
        return steps

    def _move(self, rows: Rows) -> list[tuple[Change, Rows]]:
        parts = self.shop.parts(rows)
        moves = [(change, self.shop.after(parts, change)) for change in self.shop.moved(parts)]
        self._moved[rows] = moves
        return moves

    def _steps(self, rows: Rows, letter: Letter) -> Iterator[Step]:
        advanced = self.shop.advanced(letter)
        if advanced is not None:
            yield from (Step(letter, rows, *each) for each in advanced)
            return
        parts = self.shop.parts(rows)
        for way in self.shop.handled(parts, letter).ways:
            step = Step(letter, self.shop.after(parts, way), way.sent, way.cost, stays=False)
            yield step
            if not self.shop.post.bits[letter]:  # an inbox would drop the second copy
                yield step._replace(cost=step.cost + self.size.price(DUPLICATE), stays=True)


class Chaos(Counted):
    """Every message comes as often as it likes, whenever it likes, or never, and no inbox remembers any.

    A letter is never gone, so that what only adds letters may as well happen at once: a state is the rows,
    and all that can have been said while they were so. That restricts nothing: nothing has to be delivered.

    With a loss in its budget the chaos ends: all that was on the way is lost, and the inboxes know all of it.
    From then on there are no faults, and what is left must settle.
    """

    def __init__(self, size: Size, rules: Rules = REAL) -> None:
        super().__init__(size, rules)
        self._said: dict[tuple[Rows, Said], Said] = {}
        rows, sent = self.shop.opening()
        self.start = (rows, self._saturated(rows, _said(sent)), CHAOS, size.budget)

    @property
    def has_sets(self) -> bool:
        return True

    def moves(self, state: State) -> Iterator[tuple[Move, State]]:
        rows, said, known, budget = state
        if known != CHAOS:
            yield from super().moves(state)
            return
        for move, change in self._changes(rows, said):
            if affordable(budget, change.cost):
                after = self.shop.after(self.shop.parts(rows), change)
                heard = self._saturated(after, said | _said(change.sent))
                yield move, (after, heard, CHAOS, budget - change.cost)
        if affordable(budget, LOSS):
            known = sum({self.shop.post.bits[letter] for letter in _letters(said)})
            yield "everything is lost", (rows, self.nets.empty, known, budget - LOSS)

    def _changes(self, rows: Rows, said: Said) -> Iterator[tuple[Move, Change]]:
        """What leaves the rows different: deliveries, and what happens without a letter."""
        parts = self.shop.parts(rows)
        for letter in _letters(said):
            if self.shop.advanced(letter) is None:
                for change in self.shop.handled(parts, letter).changes:
                    yield Step(letter, rows, change.sent, change.cost, stays=False), change
        for change in self.shop.moved(parts):
            if self._needs_no_quiet(change):
                yield change, change

    def rests(self, state: State) -> bool:
        return self.shop.is_settled(state[0]) and (state[2] == CHAOS or super().rests(state))

    def excused(self, state: State) -> bool:
        """A re-drive waits for quiet, which comes with the loss: so there is one left for it."""
        return self.shop.waits_for_human(state[0])

    def _saturated(self, rows: Rows, said: Said) -> Said:
        """With all that is said when everything on the way is delivered but what changes the rows."""
        whole = self._said.get((rows, said))
        if whole is None:
            parts = self.shop.parts(rows)
            whole, new = said, said
            while new:
                replies = 0
                for letter in _letters(new):
                    replies |= self._echo(parts, letter)
                new = replies & ~whole
                whole |= new
            self._said[rows, said] = whole
        return whole

    def _echo(self, parts: tuple[Row, ...], letter: Letter) -> Said:
        advanced = self.shop.advanced(letter)
        if advanced is None:
            return _said(self.shop.handled(parts, letter).echo)
        return _said(tuple(sent for each in advanced if not each.cost for sent in each.sent))


@cache
def _said(letters: Letters) -> Said:
    return sum(1 << letter for letter in set(letters))


def _letters(said: Said) -> Iterator[Letter]:
    while said:
        lowest = said & -said
        yield lowest.bit_length() - 1
        said ^= lowest
