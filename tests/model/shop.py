"""What the services do to what they hold, one local transaction at a time: worked out once, in numbers."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from itertools import chain
from typing import Any, NamedTuple

from msgspec.structs import replace

from common.contracts.message import PurchaseMessage
from common.contracts.purchase import PurchaseRequested
from product.model.reservation import Ware
from purchase import model as purchases
from tests.model import services
from tests.model.books import OWNERS, WIDTH, Held, Till, untouched
from tests.model.invariants import needs_human, reserved, wrong_shelf, wrong_with
from tests.model.network import Copy, Letter, Letters, Numbers, Post
from tests.model.services import Effect, Rules
from tests.model.sizes import CRASH, DRIVE, DUPLICATE, END, GIVE_UP, Size
from tests.model.words import TODAY, LateAnswer, purchase_of, requested, ware

Rows = int
"""The number of all that is held: the ware, what others hold of it, each purchase's rows as in OWNERS."""
Row = int
"""The number of one of them."""

WARE = 0
OTHERS = 1
"""Units that buyers hold who are not looked at."""
FIRST = 2


class Change(NamedTuple):
    """One way for a transaction to end: the rows at its places, and what is said."""

    places: tuple[int, ...]
    rows: tuple[Row, ...]
    sent: Letters
    cost: int = 0
    """In faults."""
    name: str = ""
    is_drive: bool = False
    is_rare: bool = False
    """What would end a random walk too soon, if it came as readily as everything else."""


class Handled(NamedTuple):
    """Every way in which handling a letter can end."""

    ways: list[Change]
    changes: list[Change]
    """Those that leave the rows different."""
    echo: Letters
    """What is said by those that leave them as they are, and need no fault."""


class Advanced(NamedTuple):
    """What the orchestrator may get published; if `stays`, its event comes again."""

    sent: Letters
    cost: int
    stays: bool


class Verdict(NamedTuple):
    """About one purchase."""

    wrong: str | None
    is_settled: bool
    reserved: int


class Shop:
    """The rules applied. Raises Violation where one ends in what must never happen."""

    def __init__(self, size: Size, rules: Rules) -> None:
        self.size, self.rules = size, rules
        self.post = Post(self._recognises)
        self._things = Numbers[Any]()
        self._all = Numbers[tuple[Row, ...]]()
        self._handlers: Mapping[str, Callable[..., list[Effect]]] = {
            "purchase": services.purchase,
            "product": services.product,
            "order": partial(services.order, may_be_closed=size.account_may_be_closed),
            "payment": services.payment,
            "mail": services.mail,
        }
        self._advanced: dict[Letter, list[Advanced]] = {}
        self._handled: dict[tuple[Letter, tuple[Row, ...]], Handled] = {}
        self._moved: dict[tuple[int, Row], list[Change]] = {}
        self._verdicts: dict[tuple[Row, ...], Verdict] = {}

    def opening(self) -> tuple[Rows, Letters]:
        """The purchases have just been accepted."""
        held = [untouched(requested(number)) for number in range(self.size.purchases)]
        words = [PurchaseRequested(purchase=each.row.context()) for each in held]
        rows = self._numbers((ware(self.size.units), 0, *(row for each in held for row in each)))
        return self._all.of(rows), self.post.letters(words)

    def parts(self, rows: Rows) -> tuple[Row, ...]:
        return self._all.things[rows]

    def after(self, parts: tuple[Row, ...], change: Change) -> Rows:
        now = list(parts)
        for at, row in zip(change.places, change.rows, strict=True):
            now[at] = row
        return self._all.of(tuple(now))

    def advanced(self, letter: Letter) -> list[Advanced] | None:
        """What the orchestrator makes of the letter; None if it is a service's."""
        to, word = self.post.copies[letter]
        if to != "orchestrator":
            return None
        found = self._advanced.get(letter)
        if found is None:
            assert isinstance(word, PurchaseMessage)
            found = self._advanced[letter] = list(self._advance(word))
        return found

    def handled(self, parts: tuple[Row, ...], letter: Letter) -> Handled:
        """What a service makes of the letter: worked out once for the rows that it touches."""
        to, word = self.post.copies[letter]
        places = _places(purchase_of(word).int - 100, to)
        touched = tuple([parts[at] for at in places])
        found = self._handled.get((letter, touched))
        if found is None:
            held = self._held(touched)
            effects = [
                self.rules.leaving(held, word, effect)
                for effect in self._handlers[to](self.rules, held, word)
            ]
            ways = [self._change(places, effect) for effect in effects]
            changes = [way for way in ways if way.rows != touched]
            echo = [way.sent for way in ways if way.rows == touched and not way.cost]
            found = Handled(ways, changes, tuple(chain.from_iterable(echo)))
            self._handled[letter, touched] = found
        return found

    def moved(self, parts: tuple[Row, ...]) -> Iterator[Change]:
        """What happens without a letter: clocks, the customer, and payment's questions."""
        for purchase in range(self.size.purchases):
            for owner, moves in (("purchase", self._clocks), ("payment", self._questions)):
                [place] = _places(purchase, owner)
                found = self._moved.get((place, parts[place]))
                if found is None:
                    found = list(moves(self._things.things[parts[place]], purchase))
                    self._moved[place, parts[place]] = found
                yield from found
        if self.size.has_others:
            yield from self._others(*self._held(parts[:FIRST]))

    def wrong(self, rows: Rows) -> str | None:
        ware, others = self._held(self.parts(rows)[:FIRST])
        verdicts = self._judged(rows)
        held = others + sum(verdict.reserved for verdict in verdicts)
        if problem := wrong_shelf(ware, held, self.size.units):
            return problem
        return next((verdict.wrong for verdict in verdicts if verdict.wrong), None)

    def is_settled(self, rows: Rows) -> bool:
        return all(verdict.is_settled for verdict in self._judged(rows))

    def waits_for_human(self, rows: Rows) -> bool:
        return any(needs_human(held) for held in self.books(rows))

    def books(self, rows: Rows) -> tuple[Held, ...]:
        """What is held of each purchase."""
        rest = self._held(self.parts(rows)[FIRST:])
        return tuple(Held(*rest[at : at + WIDTH]) for at in range(0, len(rest), WIDTH))

    def all_books(self) -> set[tuple[Held, ...]]:
        """Whatever was held at any time."""
        return {self.books(rows) for rows in range(len(self._all.things))}

    def _judged(self, rows: Rows) -> list[Verdict]:
        parts = self.parts(rows)
        return [self._verdict(parts[at : at + WIDTH]) for at in range(FIRST, len(parts), WIDTH)]

    def _verdict(self, numbers: tuple[Row, ...]) -> Verdict:
        verdict = self._verdicts.get(numbers)
        if verdict is None:
            held = Held(*self._held(numbers))
            verdict = Verdict(wrong_with(held), held.row.is_settled, reserved(held))
            self._verdicts[numbers] = verdict
        return verdict

    def _recognises(self, copy: Copy) -> bool:
        return (
            self.size.has_inbox
            and copy.to != "orchestrator"
            and not isinstance(copy.word, LateAnswer)
            and type(copy.word) not in self.rules.forgotten
        )

    def _held(self, numbers: tuple[Row, ...]) -> tuple[Any, ...]:
        return tuple([self._things.things[number] for number in numbers])

    def _numbers(self, held: Iterable[Any]) -> tuple[Row, ...]:
        return tuple(map(self._things.of, held))

    def _advance(self, event: PurchaseMessage) -> Iterator[Advanced]:
        """Everything published, and acknowledged; or a crash before that, and the event comes again."""
        fault = self.size.price(DUPLICATE)
        for stored, is_all, is_acknowledged in self.rules.advance(event):
            sent = self.post.letters(stored)
            if is_all and is_acknowledged:
                yield Advanced(sent, 0, stays=False)
            yield Advanced(sent, fault, stays=not is_acknowledged or is_all)

    def _change(self, places: tuple[int, ...], effect: Effect, **more: Any) -> Change:
        cost = self.size.price(CRASH) if effect.is_fault else 0
        change = Change(places, self._numbers(effect.rows), self.post.letters(effect.said), cost, effect.note)
        return change._replace(**more)

    def _clocks(self, row: purchases.Row, purchase: int) -> Iterator[Change]:
        rules, places = self.rules, _places(purchase, "purchase")
        ends = {"deadline": rules.time_out} | ({"cancel": rules.cancel} if self.size.can_cancel else {})
        for name, end in ends.items() if row.status is purchases.Status.PENDING else ():
            ended, cost = services.decided(row, end(row)), self.size.price(END)
            yield self._change(places, ended, name=f"{name} {purchase}", cost=cost, is_rare=True)
        if self.size.drives and not row.is_settled:
            driven = services.decided(row, rules.redrive(row, TODAY))
            yield self._change(
                places, driven, name=f"re-drive {purchase}", cost=DRIVE, is_drive=True, is_rare=True
            )

    def _others(self, ware: Ware, held: int) -> Iterator[Change]:
        """Any number of other buyers, at any stage of their purchases: all that joins us is the shelf."""
        for name, units in (("others reserve", 1), ("others release", -1)):
            left = ware.available - units
            if left >= 0 and held + units >= 0:
                effect = Effect((replace(ware, available=left), held + units))
                yield self._change((WARE, OTHERS), effect, name=name)

    def _questions(self, till: Till, purchase: int) -> Iterator[Change]:
        if till.payment is None or not till.payment.status.waits:
            return
        places = _places(purchase, "payment")
        for effect in services.asked(self.rules, till, may_be_late=self.size.answers_may_be_late):
            yield self._change(places, effect, name=f"provider {purchase}: {effect.note}")
        if self.size.give_ups:
            yield self._change(places, services.given_up(till), name=f"{purchase} given up", cost=GIVE_UP)


@cache
def _places(purchase: int, owner: str) -> tuple[int, ...]:
    own = FIRST + WIDTH * purchase + OWNERS.index(owner)
    return (own, WARE) if owner == "product" else (own,)
