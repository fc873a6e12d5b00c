"""The worlds that are explored: the small ones in every test run, all of them by `./just model`."""

from dataclasses import replace
from typing import NamedTuple

from tests.model.explore import Result, explore, walk
from tests.model.saga import Chaos, Counted
from tests.model.services import REAL, Rules
from tests.model.sizes import UNLIMITED, Size

MOST = 6_000_000


class Run(NamedTuple):
    world: type[Counted]
    size: Size

    def explored(self, rules: Rules = REAL) -> Result:
        return explore(self.world(self.size, rules), most=MOST)

    def walked(self, seed: int, rules: Rules = REAL) -> Result:
        return walk(self.world(self.size, rules), seed)


CHAOS = Run(Chaos, Size("any duplicates, losses and crashes, no inbox", crashes=UNLIMITED))
AFTERMATH = Run(
    Chaos, Size("chaos, then all is lost, then a re-drive", losses=1, drives=1, drives_when_quiet=True)
)
PATIENCE = Run(
    Chaos,
    Size("chaos, all is lost, a re-drive, no deadline", losses=1, drives=1, drives_when_quiet=True, ends=0),
)
COUNTED = Run(Counted, Size("one duplicate or crash of the orchestrator", duplicates=1))

SMALL = (
    CHAOS,
    Run(
        Chaos,
        Size(
            "and late answers, cancellations, closed accounts, other buyers",
            crashes=UNLIMITED,
            answers_may_be_late=True,
            can_cancel=True,
            account_may_be_closed=True,
            has_others=True,
        ),
    ),
    Run(Chaos, Size("and a re-drive at any moment", crashes=UNLIMITED, drives=1)),
    Run(Chaos, Size("and two re-drives, nothing in stock", crashes=UNLIMITED, drives=2, units=0)),
    Run(Chaos, Size("and a provider that is given up", crashes=UNLIMITED, give_ups=1)),
    Run(Chaos, Size("two buyers of one item, nothing times out", purchases=2, ends=0)),
    AFTERMATH,
    PATIENCE,
    Run(Counted, Size("one duplicate or crash of the orchestrator, one of payment", duplicates=1, crashes=1)),
)
"""Any number of duplicates, losses and crashes wherever a name does not count them."""

TWO_LOSSES = Run(
    Counted,
    Size(
        "two losses, two re-drives when quiet, nothing times out",
        losses=2,
        drives=2,
        drives_when_quiet=True,
        ends=0,
    ),
)
LARGE = (
    Run(Counted, Size("one duplicate of anything, no inbox", duplicates=1, crashes=1, has_inbox=False)),
    Run(Counted, Size("no stock, one duplicate, one re-drive", units=0, duplicates=1, drives=1)),
    Run(
        Counted,
        Size(
            "one loss, one re-drive when quiet, one crash",
            losses=1,
            drives=1,
            crashes=1,
            drives_when_quiet=True,
        ),
    ),
    Run(Counted, Size("two duplicates", duplicates=2)),
    Run(Counted, Size("one re-drive at any moment", drives=1)),
    Run(
        Chaos,
        Size(
            "chaos with everything, one re-drive",
            crashes=UNLIMITED,
            drives=1,
            answers_may_be_late=True,
            can_cancel=True,
            account_may_be_closed=True,
            has_others=True,
            give_ups=1,
        ),
    ),
    Run(Chaos, Size("chaos, three re-drives", crashes=UNLIMITED, drives=3)),
    Run(Chaos, Size("two buyers of one item, one deadline", purchases=2, ends=1)),
    TWO_LOSSES,
    Run(Counted, replace(TWO_LOSSES.size, name="the same, and nothing in stock", ends=UNLIMITED, units=0)),
)

WALKS = (
    (
        2000,
        Run(
            Counted, Size("two buyers of one item", purchases=2, duplicates=3, losses=2, crashes=2, drives=5)
        ),
    ),
    (
        2000,
        Run(
            Counted,
            Size(
                "three buyers of two",
                purchases=3,
                units=2,
                duplicates=5,
                losses=3,
                crashes=3,
                drives=7,
                can_cancel=True,
                account_may_be_closed=True,
                answers_may_be_late=True,
            ),
        ),
    ),
)
"""Worlds too large to see whole, and the seeds that walk through each."""
