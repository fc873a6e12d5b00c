"""What a bench is asked to do."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROMISE = """Buyers at the edge of a running stack, every purchase followed over SSE, the books checked.

A figure without exactness is no figure: the exit code is 1 when anything is off.
"""
PURCHASES, IDLE_PURCHASES = 1000, 200
STREAMS_RATE, STREAMS_SECONDS = 10.0, 20.0


@dataclass(frozen=True)
class Trial:
    """`rest`: seconds for which the stack is left alone before the load, to know what it costs at rest; 0
    measures no costs that need patience, and waits for nothing. `every`: seconds of which each part of the
    course is told by itself; 0: no course."""

    purchases: int = PURCHASES
    buyers: int = 50
    hot: bool = False
    rate: float | None = None
    idle: bool = False
    streams: int = 0
    direct: bool = False
    statements: bool = False
    rest: float = 5.0
    every: float = 0.0
    logins: float | None = None
    rounds: int = 3
    flames: Path | None = None

    @property
    def crowd(self) -> int:
        """How many buyers there are."""
        return 1 if self.idle else self.buyers


def asked(words: Sequence[str] | None = None) -> tuple[Trial, Path | None]:
    """Of the command line; and where the figures go."""
    parser = argparse.ArgumentParser(prog="just bench", description=PROMISE)
    add_modes(parser)
    add_details(parser)
    given = parser.parse_args(words)
    rate = given.rate or (STREAMS_RATE if given.streams else None)
    if given.idle and rate:
        parser.error("--idle is one purchase at a time, at no rate")
    if given.seconds and not rate:
        parser.error("--seconds of which --rate?")
    trial = Trial(
        purchases=given.purchases or purchases(given, rate),
        rate=rate,
        **{
            name: getattr(given, name)
            for name in (
                "buyers",
                "hot",
                "idle",
                "streams",
                "direct",
                "statements",
                "rest",
                "every",
                "logins",
                "rounds",
                "flames",
            )
        },
    )
    return trial, given.json


def add_modes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--purchases", type=int, help=f"so many ({PURCHASES}, {IDLE_PURCHASES} with --idle)")
    parser.add_argument("--rate", type=float, help="purchases per second; as fast as answered without it")
    parser.add_argument("--seconds", type=float, help="of the rate")
    parser.add_argument("--idle", action="store_true", help="one at a time, by one buyer")
    parser.add_argument("--streams", type=int, default=0, help="so many silent event streams beside a rate")
    parser.add_argument(
        "--direct", action="store_true", help="streams at the process itself, not at the edge"
    )
    parser.add_argument(
        "--logins", type=float, help="wrong ones per second beside the purchases, and without"
    )


def add_details(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--buyers", type=int, default=50)
    parser.add_argument("--hot", action="store_true", help="everybody wants the same two products")
    parser.add_argument("--statements", action="store_true", help="count them, too: needs a stack of its own")
    parser.add_argument(
        "--rest", type=float, default=5.0, help="seconds at rest before the load (5); 0: measure no costs"
    )
    parser.add_argument(
        "--every", type=float, default=0.0, help="the course, too: figures of every so many seconds"
    )
    parser.add_argument("--rounds", type=int, default=3, help="of the load without and beside the logins")
    parser.add_argument("--flames", type=Path, help="flame graphs into this folder: needs py-spy")
    parser.add_argument("--json", type=Path, help="write the figures here too")


def purchases(given: argparse.Namespace, rate: float | None) -> int:
    """Where nobody says how many."""
    seconds = given.seconds or (STREAMS_SECONDS if given.streams else None)
    if rate and seconds:
        return max(1, round(rate * seconds))
    return IDLE_PURCHASES if given.idle else PURCHASES
