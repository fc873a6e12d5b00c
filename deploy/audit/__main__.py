"""`./just audit`: do the books of a running shop agree? Exit code 0: yes; 1: no; 2: something cannot be read.

It tells the violated invariants, and the whole history of the first purchase that something is wrong with.
"""

import argparse
import asyncio
import os
import sys
from dataclasses import dataclass
from uuid import UUID

from common.settings import load
from deploy.audit import metrics, show
from deploy.audit.findings import Bounds
from deploy.audit.history import History, history
from deploy.audit.look import AGAIN_AFTER, audit
from deploy.audit.settings import AuditSettings
from deploy.audit.sources import Sources, Unreadable, over_http
from deploy.embedded.errors import NotRunning, StackError
from deploy.privileges.nats import VIEWER


@dataclass(frozen=True)
class Place:
    """What is audited, and where the metrics are shown."""

    sources: Sources
    host: str
    port: int


def place() -> Place:
    """The shop that SETTINGS_FILE describes, else the embedded stack. Raises StackError."""
    if "SETTINGS_FILE" in os.environ:
        told = load(AuditSettings)
        return Place(Sources(told.databases, over_http(told.psp_url), told.nats_url), told.host, told.port)
    return place_of_stack()


def place_of_stack() -> Place:
    """Raises StackError."""
    from deploy.embedded import nats  # noqa: PLC0415  # the image of the services has no embedded stack
    from deploy.embedded.stack import Stack  # noqa: PLC0415

    stack = Stack.from_environment()
    if not stack.processes():
        raise NotRunning("nothing is running; ./just up starts it")
    running = stack.as_running()
    looks = nats.url(running.layout, running.passwords, VIEWER)
    sources = Sources(running.auditor_urls, over_http(running.url("psp")), looks)
    return Place(sources, "127.0.0.1", running.layout.port("audit"))


def arguments(given: list[str] | None) -> argparse.Namespace:
    bounds = Bounds()
    parser = argparse.ArgumentParser(prog="just audit", description=__doc__)
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--purchase", type=UUID, metavar="ID", help="only tell the history of this one")
    parser.add_argument("--hours", type=hours, default=bounds.hours, help="of messages, 24 at most (1)")
    parser.add_argument("--settle", type=float, default=bounds.settle, metavar="SECONDS", help="bound (60)")
    parser.add_argument("--every", type=float, metavar="SECONDS", help="repeat, and show metrics")
    parser.add_argument("--port", type=int, help="of the metrics")
    parser.add_argument(
        "--again-after", type=float, default=AGAIN_AFTER, metavar="SECONDS", help="to the second look (2)"
    )
    return parser.parse_args(given)


def hours(text: str) -> float:
    """Longer than a day no outbox remembers."""
    if not 0 < (number := float(text)) <= 24:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 24")
    return number


async def run(asked: argparse.Namespace, at: Place) -> int:
    """Raises Unreadable."""
    bounds = Bounds(hours=asked.hours, settle=asked.settle)
    if asked.every is not None:
        return await metrics.repeat(at.sources, bounds, asked.every, at.host, asked.port or at.port)
    if asked.purchase is not None:
        return tell(await history(at.sources, asked.purchase), as_json=asked.json)
    report = await audit(at.sources, bounds, again_after=asked.again_after)
    first = report.first_purchase
    told = await history(at.sources, first) if first else None
    if asked.json:
        print(show.as_json(report, told))
    else:
        print(*show.as_lines(report), sep="\n")
        print(*(["", *show.history_lines(told)] if told else []), sep="\n", end="\n" if told else "")
    return 0 if report.is_clean else 1


def tell(told: History, *, as_json: bool) -> int:
    if as_json:
        print(show.encoded(show.history_facts(told)))
    else:
        print(*show.history_lines(told), sep="\n")
    return 0


def main(given: list[str] | None = None) -> int:
    """Whatever keeps us from knowing is one line."""
    asked = arguments(given)
    try:
        return asyncio.run(run(asked, place()))
    except (KeyboardInterrupt, BrokenPipeError):
        return 130
    except (Unreadable, StackError, OSError) as error:
        sys.stdout.flush()
        print(f"audit: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
