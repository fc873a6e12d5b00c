"""The whole shop as two state spaces: the project's rules, and an adversary between them (protocol 4).

It delivers in any order, delivers again, loses, crashes the orchestrator between its publishes and payment between
the provider's answer and its own commit, cancels, and fires deadlines and re-drives whenever it likes.
"""  # noqa: E501

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
    """Every fault has a budget; what was delivered is gone, and what is lost comes again only by a re-drive."""  # noqa: E501

    def __init__(self, size: Size, rules: Rules = REAL) -> None:
        self.size = size
        self.shop = Shop(size, rules)
        self.nets = Nets(self.shop.post, are_sets=self.has_sets)
        self._delivered: dict[tuple[Rows, Letter], list[Step]] = {}
        rows, sent = self.shop.opening()
        self.start: State = (rows, self.nets.plus(self.nets.empty, sent), 0, size.budget)

    @property
    def has_sets(self) -> bool:
        """Where nothing is lost a second copy of a letter is of no use."""
        return not self.size.losses

    def moves(self, state: State) -> Iterator[tuple[Move, State]]:
        rows, net, known, budget = state
        plus, less, bits, faults = self.nets.plus, self.nets.less, self.shop.post.bits, self._delivered
        for letter, rest in self.nets.each(net):
            for step in faults.get((rows, letter)) or self._deliver(rows, letter):
                if not step.cost or affordable(budget, step.cost):
                    now_known = known | bits[letter]
                    now = less(plus(net if step.stays else rest, step.sent), now_known)
                    yield step, (step.rows, now, now_known, budget - step.cost)
            if affordable(budget, LOSS) and self._can_be_lost(letter):
                yield letter, (rows, rest, known, budget - LOSS)
        parts = self.shop.parts(rows)
        for change in self.shop.moved(parts):
            if affordable(budget, change.cost) and (net == self.nets.empty or self._needs_no_quiet(change)):
                now = less(plus(net, change.sent), known)
                yield change, (self.shop.after(parts, change), now, known, budget - change.cost)

    def broken(self, state: State) -> str | None:
        return self.shop.wrong(state[0])

    def rests(self, state: State) -> bool:
        return state[1] == self.nets.empty and self.shop.is_settled(state[0])

    def unfinished(self, state: State) -> str | None:
        return unfinished(self.shop.books(state[0]))

    def excused(self, state: State) -> bool:
        """Losses after which no re-drive is left are the budget's end, not the protocol's."""
        has_lost, may_drive = (self.size.budget - state[3]) & LOSS * 15, state[3] & DRIVE * 15
        return bool(has_lost and not may_drive)

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

    A letter is never gone, so that what only adds letters may as well happen at once: a state is the rows, and all
    that can have been said while they were so. That is no restriction, for nothing has to be delivered.

    With a loss in its budget the chaos ends: all that was on the way is lost, and the inboxes know all of it. From
    then on there are no faults, and what is left must settle.
    """  # noqa: E501

    def __init__(self, size: Size, rules: Rules = REAL) -> None:
        super().__init__(size, rules)
        self._said: dict[tuple[Rows, Said], Said] = {}
        rows, sent = self.shop.opening()
        self.start = (rows, self._saturated(rows, _said(sent)), CHAOS, size.budget)

    @property
    def has_sets(self) -> bool:
        return True

    def moves(self, state: State) -> Iterator[tuple[Move, State]]:  # noqa: C901
        rows, said, known, budget = state
        if known != CHAOS:
            yield from super().moves(state)
            return
        parts = self.shop.parts(rows)
        for letter in _letters(said):
            if self.shop.advanced(letter) is None:
                for change in self.shop.handled(parts, letter).changes:
                    if affordable(budget, change.cost):
                        step = Step(
                            letter, self.shop.after(parts, change), change.sent, change.cost, stays=False
                        )
                        yield step, self._after(step.rows, said, change, budget)
        for change in self.shop.moved(parts):
            if affordable(budget, change.cost) and self._needs_no_quiet(change):
                yield change, self._after(self.shop.after(parts, change), said, change, budget)
        if affordable(budget, LOSS):
            known = sum({self.shop.post.bits[letter] for letter in _letters(said)})
            yield "everything is lost", (rows, self.nets.empty, known, budget - LOSS)

    def rests(self, state: State) -> bool:
        return self.shop.is_settled(state[0]) and (state[2] == CHAOS or super().rests(state))

    def excused(self, state: State) -> bool:
        return False

    def _after(self, rows: Rows, said: Said, change: Change, budget: int) -> State:
        return rows, self._saturated(rows, said | _said(change.sent)), CHAOS, budget - change.cost

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
