"""What is watched, and every mutant of the watching by name: its world, and what it is caught at."""

from dataclasses import replace
from typing import NamedTuple

from tests.model import stream_mutants as mutants
from tests.model.connection import Handling
from tests.model.explore import Result, explore
from tests.model.journal import ACCEPTED_ONLY, BEGUN, COMPLETED, TIMED_OUT
from tests.model.watch import REAL, Practice, Watch
from tests.model.watching import Watching

TWO = (BEGUN, ACCEPTED_ONLY)
COMPLETES = Watch("a purchase that completes", (COMPLETED,))
COPY = Watch("a purchase that completes, a wake-up comes twice", (COMPLETED,), again=1)
TIMES_OUT = Watch("a purchase that times out", (TIMED_OUT,))
ROLLBACK = Watch("a purchase that times out, a rollback", (TIMED_OUT,), rollbacks=1)
ACCOUNT = Watch("the account: two purchases, with a rollback", TWO, of_account=True, rollbacks=1)
NOTHING_LOST = Watch("a purchase that completes, and no wake-up is lost", (COMPLETED,), loses=False)

SMALL = (
    COPY,
    Watch("a purchase that completes, a cut", (COMPLETED,), cuts=1),
    Watch("a purchase that completes, Redis goes away", (COMPLETED,), resubscribes=1),
    ROLLBACK,
    ACCOUNT,
    Watch("the account: one purchase, with a cut", (BEGUN,), of_account=True, cuts=1),
)
"""Seen whole in every test run. Wake-ups are late, out of order or lost wherever a name does not deny it."""

ONE_OF_EACH = Watch("a purchase that times out, one of each", (TIMED_OUT,), again=1, cuts=1, rollbacks=1)
LARGE = (
    ONE_OF_EACH,
    replace(ONE_OF_EACH, name="a purchase that completes, and two cuts", scripts=(COMPLETED,), cuts=2),
    Watch("a purchase that completes, two of each", (COMPLETED,), again=2, rollbacks=2, resubscribes=2),
    Watch("the account, with a cut", TWO, of_account=True, cuts=1),
    Watch("the account, with a copy", TWO, of_account=True, again=1),
    Watch("the account, with a copy and a cut", TWO, of_account=True, again=1, cuts=1),
    Watch("the account: two begin, with a cut", (BEGUN, BEGUN), of_account=True, cuts=1),
    Watch("the account: one completes, one begins", (COMPLETED, BEGUN), of_account=True),
)


MISSING = "an event is missing"


class Mutant(NamedTuple):
    rule: str
    practice: Practice
    watch: Watch
    caught_at: str


LATE = Handling(follower=mutants.SubscribedLate)
UNPOLLED = Practice(Handling(poll=mutants.never_polled))
UNFILTERED = Practice(Handling(follower=mutants.Unfiltered))
CARELESS = Practice(Handling(follower=mutants.Careless))

MUTANTS = {
    "replay before subscribe": Mutant(
        "subscribe, then read", Practice(replace(LATE, poll=mutants.never_polled)), NOTHING_LOST, MISSING
    ),
    "no id filter": Mutant("drop id <= last", UNFILTERED, COPY, "an event comes again"),
    "no gap fill": Mutant("on a gap, read again", CARELESS, TIMES_OUT, "an event is skipped"),
    "no poll": Mutant("every 5 s, read again", UNPOLLED, COMPLETES, MISSING),
    "publish before commit": Mutant(
        "after the commit", Practice(pen=mutants.Early), ROLLBACK, "an event that is not committed"
    ),
    "numbers from a sequence": Mutant(
        "under a row lock", Practice(is_locked=False), ACCOUNT, "an event is skipped"
    ),
}
"""Each without a rule of protocol 8; the first without the poll as well, which would make up for it."""

HARMLESS = {
    "replay before subscribe, with the poll": (Practice(LATE), COMPLETES),
    "no poll, and nothing is lost": (UNPOLLED, NOTHING_LOST),
}


def watched(watch: Watch, practice: Practice = REAL) -> Result:
    return explore(Watching(watch, practice))
