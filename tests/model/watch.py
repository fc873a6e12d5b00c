"""How much of the adversary's freedom a watching explores, and what the project does against it."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.model.connection import HANDLING, Handling
from tests.model.journal import Pen, Reaction

AGAIN, CUT, ROLLBACK, RESUBSCRIBE = (1 << 4 * number for number in range(4))
"""What a fault costs, in a budget that packs one digit for each."""


@dataclass(frozen=True)
class Watch:
    """One world. Numbers are budgets; wake-ups are lost for nothing, unless none is lost."""

    name: str
    scripts: Sequence[Sequence[Reaction]]
    of_account: bool = False
    again: int = 0
    """Wake-ups that come twice."""
    cuts: int = 0
    """Connections that break, and replicas that stop."""
    rollbacks: int = 0
    resubscribes: int = 0
    """Times that Redis was away, and all that was told meanwhile is lost."""
    loses: bool = True

    @property
    def budget(self) -> int:
        digits = (self.again, self.cuts, self.rollbacks, self.resubscribes)
        return sum(digit << 4 * number for number, digit in enumerate(digits))


@dataclass(frozen=True)
class Practice:
    """What the project does: how a stream is handled, and how its log is written."""

    handling: Handling = HANDLING
    pen: type[Pen] = Pen
    is_locked: bool = True
    """The account's counter, from a number's drawing to its commit; a rollback gives it back."""


REAL = Practice()
