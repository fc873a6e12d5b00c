"""How much of the adversary's freedom a run explores."""

from dataclasses import dataclass

UNLIMITED = None
"""As often as it likes."""

DUPLICATE, LOSS, CRASH, DRIVE, GIVE_UP, END = (1 << 4 * number for number in range(6))
"""What a fault costs, in a budget that packs one digit for each."""

OVERDRAWN = 0x888888
"""The bits that a subtraction takes from a digit that is too small. A digit is 7 at most."""


@dataclass(frozen=True)
class Size:
    """One world. Numbers are budgets; None is unlimited, where the state space stays finite.

    `duplicates`: acknowledgements that are lost, and crashes of the orchestrator while it publishes.
    `crashes`: of payment, or of the line to the provider, between its answer and our commit.
    """

    name: str
    purchases: int = 1
    units: int = 1
    duplicates: int | None = 0
    losses: int = 0
    crashes: int | None = 0
    drives: int = 0
    give_ups: int = 0
    drives_when_quiet: bool = False
    """A re-drive waits until nothing is on the way; otherwise it comes at any moment."""
    ends: int | None = UNLIMITED
    """Deadlines that pass, and cancellations by the customer, before the arbiter has decided."""
    can_cancel: bool = False
    account_may_be_closed: bool = False
    answers_may_be_late: bool = False
    has_others: bool = False
    """Other customers reserve and release what is left on the shelf."""
    has_inbox: bool = True

    @property
    def budget(self) -> int:
        digits = (self.duplicates, self.losses, self.crashes, self.drives, self.give_ups, self.ends)
        return sum((digit or 0) << 4 * number for number, digit in enumerate(digits))

    def price(self, fault: int) -> int:
        """What a fault costs here: nothing, where it is unlimited."""
        unlimited = {DUPLICATE: self.duplicates, CRASH: self.crashes, END: self.ends}
        return 0 if unlimited.get(fault, 0) is UNLIMITED else fault


def affordable(budget: int, cost: int) -> bool:
    return (budget | OVERDRAWN) - cost & OVERDRAWN == OVERDRAWN
