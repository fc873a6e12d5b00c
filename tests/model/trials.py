"""Everything that is explored, by name, and whether it came out as it must."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from tests.model import catalogue, runs, stream_catalogue
from tests.model.explore import Result
from tests.model.runs import Run
from tests.model.stream_catalogue import watched


class Trial(NamedTuple):
    name: str
    world: str
    explored: Callable[[], Result]
    caught_at: str | None = None
    """None: nothing must be wrong."""
    rule: str = ""

    def failure(self, result: Result) -> str | None:
        """What is wrong with the result, if anything is."""
        if result.wrong == self.caught_at and (result.ends or result.wrong):
            return None
        return result.wrong or ("nothing was wrong" if self.caught_at else "nothing ended")


def worlds(*, is_quick: bool) -> Iterator[Trial]:
    for run in (*runs.SMALL, *(() if is_quick else runs.LARGE)):
        yield Trial(run.size.name, run.world.__name__.lower(), run.explored)
    larger = () if is_quick else stream_catalogue.LARGE
    for watch in (*stream_catalogue.SMALL, stream_catalogue.NOTHING_LOST, *larger):
        yield Trial(watch.name, "stream", partial(watched, watch))
    for most, run in runs.WALKS:
        seeds = 10 if is_quick else most
        yield Trial(f"{run.size.name}: {seeds} random ways", "walk", partial(walked, run, seeds))


def mutants() -> Iterator[Trial]:
    for name, (rule, rules, run, caught_at) in (catalogue.FULL | catalogue.SMALL).items():
        yield Trial(name, run.size.name, partial(run.explored, rules), caught_at, rule)
    for name, (rule, practice, watch, caught_at) in stream_catalogue.MUTANTS.items():
        yield Trial(name, watch.name, partial(watched, watch, practice), caught_at, rule)


def harmless() -> Iterator[Trial]:
    for name, (rules, run) in catalogue.HARMLESS.items():
        yield Trial(name, run.size.name, partial(run.explored, rules))
    for name, (practice, watch) in stream_catalogue.HARMLESS.items():
        yield Trial(name, watch.name, partial(watched, watch, practice))


def walked(run: Run, seeds: int) -> Result:
    """All of them as one, or the first that goes wrong."""
    states, seconds = 0, 0.0
    for seed in range(seeds):
        result = run.walked(seed)
        states, seconds = states + result.states, seconds + result.seconds
        if result.wrong:
            return result
    return Result(states, states - seeds, seeds, seconds, None)
