"""`./just model`: every world and every mutant, each in a process of its own, as tables."""

import argparse
import multiprocessing
import resource
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import NamedTuple

from tests.model import trials
from tests.model.explore import Result
from tests.model.trials import Trial

MEMORY = 4 << 30
SECONDS = 300
"""Of the processor, for one of them: then it is ended, and counts as failed."""


class Report(NamedTuple):
    result: Result
    failure: str | None
    megabytes: int


def carried_out(trial: Trial) -> Report:
    """In a process that gives its memory back, and may neither take too much of it nor too long."""
    forked = multiprocessing.get_context("fork")
    receiving, sending = forked.Pipe(duplex=False)
    process = forked.Process(target=_explore, args=(trial, sending))
    process.start()
    sending.close()
    try:
        report: Report = receiving.recv()
    except EOFError:
        nothing = Result(0, 0, 0, 0, None)
        report = Report(nothing, f"no result within {SECONDS} s and {MEMORY >> 30} GiB", 0)
    process.join()
    return report


def _explore(trial: Trial, sending: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    result = trial.explored()
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    sending.send(Report(result, trial.failure(result), used))


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Each row as soon as it is known; nothing at all without rows."""
    for number, row in enumerate(rows):
        if number == 0:
            say(f"\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
        say(f"| {' | '.join(map(str, row))} |")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Session:
    """What was asked for, and what went wrong so far."""

    def __init__(self, wanted: Sequence[str], jobs: int) -> None:
        self.wanted = [each.lower() for each in wanted]
        self.jobs = jobs
        self.failed: list[str] = []
        self.stories: list[tuple[str, Result]] = []

    def reports(self, of: Iterable[Trial]) -> Iterable[tuple[Trial, Report]]:
        chosen = [each for each in of if self.wants(f"{each.world}: {each.name}".lower())]
        with ThreadPoolExecutor(self.jobs) as threads:
            for trial, report in zip(chosen, threads.map(carried_out, chosen), strict=True):
                if report.failure:
                    self.failed.append(f"{trial.name}: {report.failure}")
                if report.result.story:
                    self.stories.append((trial.name, report.result))
                yield trial, report

    def wants(self, name: str) -> bool:
        return not self.wanted or any(each in name for each in self.wanted)

    def worlds(self, of: Iterable[Trial]) -> None:
        table(
            ("world", "kind", "states", "edges", "ends", "seconds", "MiB", "verdict"),
            (
                (each.name, each.world, *_sizes(result), used, failure or "holds")
                for each, (result, failure, used) in self.reports(of)
            ),
        )

    def mutants(self, of: Iterable[Trial]) -> None:
        table(
            ("mutant", "without", "world", "states until caught", "caught at", "moves"),
            (
                (each.name, each.rule, each.world, result.states, failure or result.wrong, len(result.story))
                for each, (result, failure, _) in self.reports(of)
            ),
        )

    def harmless(self, of: Iterable[Trial]) -> None:
        table(
            ("harmless", "world", "states", "verdict"),
            (
                (each.name, each.world, result.states, failure or "holds")
                for each, (result, failure, _) in self.reports(of)
            ),
        )


def _sizes(result: Result) -> tuple[object, ...]:
    return f"{result.states:,}", f"{result.edges:,}", f"{result.ends:,}", f"{result.seconds:.0f}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="./just model", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only what every test run explores")
    parser.add_argument("--stories", action="store_true", help="print each mutant's counter-example")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time, of 4 GiB at most each")
    parser.add_argument("wanted", nargs="*", help="only those with one of these in their names")
    asked = parser.parse_args()
    session = Session(asked.wanted, asked.jobs)
    session.worlds(trials.worlds(is_quick=asked.quick))
    session.mutants(trials.mutants())
    session.harmless(trials.harmless())
    for name, result in session.stories if asked.stories or session.failed else ():
        say(f"\n{name}: {result.wrong}")
        say("\n".join(f"{number:4} {move}" for number, move in enumerate(result.story, start=1)))
    for failure in session.failed:
        say(f"\nFAILED {failure}")
    return 1 if session.failed else 0


if __name__ == "__main__":
    sys.exit(main())
