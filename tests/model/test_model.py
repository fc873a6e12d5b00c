"""The protocol and the event streams, state by state: the real rules against an adversary (docs/model).

Only the worlds that are seen whole within a minute; `./just model` explores the larger ones.
"""

import pytest

from purchase.model import Status
from tests.model import trials
from tests.model.explore import Result, explore
from tests.model.invariants import taken
from tests.model.pausing import ASKED, ASKING, ENDED, IDLE, SENDING
from tests.model.runs import CHAOS, COUNTED
from tests.model.saga import Chaos, Counted
from tests.model.stream_catalogue import COMPLETES
from tests.model.trials import Trial
from tests.model.watching import Watching

FOUND = ((1, None), (0, None), (0, "oversold"))
"""Good ends, and what was wrong."""


@pytest.mark.parametrize("trial", list(trials.worlds(is_quick=True)), ids=lambda trial: trial.name)
def test_nothing_that_can_happen_breaks_a_promise_and_everything_ends_well(trial: Trial) -> None:
    result = trial.explored()
    assert trial.failure(result) is None, result.story


@pytest.mark.parametrize("trial", list(trials.mutants()), ids=lambda trial: trial.name)
def test_a_rule_taken_out_is_caught(trial: Trial) -> None:
    result = trial.explored()
    assert trial.failure(result) is None, result.story
    assert result.story


@pytest.mark.parametrize("trial", list(trials.harmless()), ids=lambda trial: trial.name)
def test_what_the_other_rules_make_up_for_does_no_harm(trial: Trial) -> None:
    result = trial.explored()
    assert trial.failure(result) is None, result.story


def test_a_mutant_that_gets_away_fails_the_run() -> None:
    """Also one that is caught at something else, and a world that never ends."""
    holds, ends_nowhere, breaks = (Result(9, 9, ends, 0.1, wrong) for ends, wrong in FOUND)
    world = Trial("a world", "", lambda: holds)
    mutant = Trial("a mutant", "", lambda: breaks, caught_at="oversold")
    assert [world.failure(each) for each in (holds, ends_nowhere, breaks)] == [
        None,
        "nothing ended",
        "oversold",
    ]
    assert [mutant.failure(each) for each in (holds, breaks)] == ["nothing was wrong", None]
    assert mutant.failure(Result(9, 9, 0, 0.1, "stuck PENDING")) == "stuck PENDING"


def test_the_world_without_budgets_sees_whatever_a_budget_can_buy() -> None:
    """Its shortcut, that everything possible is said at once, leaves nothing out."""
    chaos, counted = Chaos(CHAOS.size), Counted(COUNTED.size)
    explore(chaos), explore(counted)
    assert counted.shop.all_books() <= chaos.shop.all_books()


def test_purchases_complete_fail_and_time_out_in_it() -> None:
    """Nothing is proved of a world in which nothing happens."""
    chaos = Chaos(CHAOS.size)
    explore(chaos)
    ends = [held for [held] in chaos.shop.all_books() if held.row.is_settled]
    assert {held.row.status for held in ends} == {Status.COMPLETED, Status.FAILED, Status.TIMED_OUT}
    assert {held.row.reason for held in ends if held.row.status is Status.FAILED} >= {"limit_exceeded"}
    assert all(taken(held) > 0 for held in ends if held.row.status is Status.COMPLETED)


def test_a_stream_is_met_wherever_it_can_wait() -> None:
    watching = Watching(COMPLETES)
    explore(watching)
    assert watching.connections.met() == {ASKING, ASKED, SENDING, IDLE, ENDED}
