"""The protocol, state by state: the project's own pure functions against an adversary, and mutants of them.

Only the worlds that are seen whole within a minute; `./just model` explores the others (docs/model.md).
"""

import pytest

from purchase.model import Status
from tests.model.catalogue import FULL, HARMLESS, SMALL, Mutant
from tests.model.explore import explore
from tests.model.invariants import taken
from tests.model.runs import CHAOS, WALKS, Run
from tests.model.runs import SMALL as WORLDS
from tests.model.saga import Chaos, Counted
from tests.model.services import Rules


@pytest.mark.parametrize("run", WORLDS, ids=lambda run: run.size.name)
def test_nothing_that_can_happen_breaks_a_promise_and_everything_settles(run: Run) -> None:
    result = run.explored()
    assert result.wrong is None, result.story
    assert result.ends > 0


@pytest.mark.parametrize("mutant", (FULL | SMALL).values(), ids=(FULL | SMALL).keys())
def test_a_rule_taken_out_is_caught(mutant: Mutant) -> None:
    result = mutant.run.explored(mutant.rules)
    assert result.wrong == mutant.caught_at, result.story
    assert result.story


@pytest.mark.parametrize(("rules", "run"), HARMLESS.values(), ids=HARMLESS.keys())
def test_what_the_other_rules_make_up_for_does_no_harm(rules: Rules, run: Run) -> None:
    result = run.explored(rules)
    assert result.wrong is None, result.story


def test_the_world_without_budgets_sees_whatever_a_budget_can_buy() -> None:
    """Its shortcut, that everything possible is said at once, leaves nothing out."""
    chaos, counted = Chaos(CHAOS.size), Counted(WORLDS[-1].size)
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


@pytest.mark.parametrize(
    ("seeds", "run"), WALKS, ids=lambda each: getattr(each, "size", None) and each.size.name
)
def test_random_ways_through_larger_worlds(seeds: int, run: Run) -> None:
    for seed in range(10):
        result = run.walked(seed)
        assert result.wrong is None, (seed, result.story)
