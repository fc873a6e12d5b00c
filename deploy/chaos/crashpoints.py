"""`./just crashpoints`: at every named place a process dies again and again under load, and nothing is lost.

The stack is a real one of its own, with two processes of nothing: while the one is dead, nobody stands in.
"""

import argparse
import asyncio
import json
import sys
import time
import tomllib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.audit.books import Books, caught_ids, ledger_of
from deploy.chaos.load import Load, prepare
from deploy.client import Shop, until
from deploy.embedded.errors import StackError
from deploy.embedded.stack import Stack

PARTICIPANTS = ("product", "order", "payment", "purchase", "mail")

POINTS: tuple[tuple[str, str], ...] = (
    ("purchase", "accept.before_commit"),
    ("purchase", "accept.before_answer"),
    *((service, "consumer.before_commit") for service in PARTICIPANTS),
    *((service, "consumer.after_commit") for service in PARTICIPANTS),
    *((service, "relay.before_publish") for service in PARTICIPANTS),
    *((service, "relay.before_mark") for service in PARTICIPANTS),
    ("orchestrator", "orchestrator.between_publishes"),
    ("orchestrator", "orchestrator.before_ack"),
    *(
        ("payment", f"provider.{when}_{what}")
        for what in ("authorizing", "capturing", "voiding")
        for when in ("before", "after")
    ),
    ("mail", "mail.before_send"),
    ("mail", "mail.before_record"),
    ("purchase", "sweep.time_out"),
    ("purchase", "sweep.redrive"),
)
PATIENCE = {"redrive_after": 2.0, "deadline": 15.0}
HURRIED: dict[str, dict[str, float]] = {
    "sweep.time_out": {"deadline": 0.3},
    "sweep.redrive": {"redrive_after": 0.3},
}
"""Without these settings the sweeps would have nothing to find."""

SETTINGS = {
    "STREAMS_PER_ACCOUNT": "1000",
    "PENDING_PER_ACCOUNT": "1000",
    "CODES_PER_HOUR": "1000",
    "RETRY_SECONDS": "1",
    "PROVIDER_TIMEOUT": "2",
    "SLOW_SECONDS": "0.5",
    "SHOP_LONGEST_PAUSE": "0.1",  # the supervisor may be in a hurry: dying is the point
}
SETTLE_SECONDS = 120.0


@dataclass
class Outcome:
    """What one point's run showed."""

    point: str
    kills: int
    purchases: int
    outcomes: dict[str, int]
    violations: list[str]
    seconds: float
    slowest: float
    """Seconds from the customer's click to the end of the purchase that took longest."""
    settled_after: float
    """Seconds from the last death until everything was settled."""


@asynccontextmanager
async def armed(stack: Stack, service: str, place: str, kills: int, chance: float) -> AsyncIterator[Path]:
    """The service runs with its failpoint on; yields the file that counts the deaths that are left."""
    stack.program(service)  # planning writes the settings files: not once we have changed one
    budget = stack.home / "failpoint"
    budget.write_text(str(kills))
    settings = stack.home / "settings" / f"{service}.toml"
    before = settings.read_text()
    known = tomllib.loads(before) | PATIENCE | HURRIED.get(place, {})
    known |= {"failpoint": place, "failpoint_budget": str(budget), "failpoint_chance": chance}
    settings.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in known.items()))
    await asyncio.to_thread(stack.restart, service)
    try:
        yield budget
    finally:
        budget.write_text("0")
        settings.write_text(before)
        await asyncio.to_thread(stack.restart, service)


async def crash(stack: Stack, load: Load, service: str, place: str, given: argparse.Namespace) -> Outcome:
    """One point: die `kills` times under load, then let everything settle, then compare the books."""
    began = time.monotonic()
    bought, before, load.slowest = load.bought, await books(stack), 0.0
    known, wrong_before = await before.outcomes(), set(await before.violations())
    async with armed(stack, service, place, given.kills, given.chance) as budget:
        enough = load.bought + given.purchases

        def left() -> int:
            hurry = time.monotonic() - began > given.seconds
            return 0 if hurry else int(budget.read_text() or 0)

        await load.run(enough, left)
        deaths = given.kills - int(budget.read_text() or 0)
    quiet = time.monotonic()
    violations = await settle(stack, load)
    after = time.monotonic() - quiet
    now = await books(stack)
    asked, outcomes = load.bought - bought, await now.outcomes() - known
    if outcomes.total() != asked:
        violations.append(f"I11: {asked} purchases were asked for, {outcomes.total()} are there")
    return Outcome(
        f"{service}:{place}",
        deaths,
        asked,
        dict(outcomes),
        violations + [each for each in await now.violations() if each not in wrong_before],
        round(time.monotonic() - began, 1),
        round(load.slowest, 1),
        round(after, 1),
    )


async def settle(stack: Stack, load: Load) -> list[str]:
    """Waits until nothing is left to do; returns what was wrong until then."""
    wrong, load.wrong = load.wrong, []
    try:
        await until(lambda: settled(stack), seconds=SETTLE_SECONDS)
    except TimeoutError:
        wrong.append(f"not settled within {SETTLE_SECONDS:.0f} s")
    return wrong


async def books(stack: Stack) -> Books:
    async with Shop.at(stack.url("edge"), stack.url("mail_api")) as shop:
        return Books(stack.database_urls, await ledger_of(shop.session, stack.url("psp")))


async def settled(stack: Stack) -> bool | None:
    return await (await books(stack)).are_closed() or None


async def campaign(stack: Stack, given: argparse.Namespace) -> list[Outcome]:
    outcomes = []
    async with Shop.at(stack.url("edge"), stack.url("mail_api"), connections=200) as shop:
        load = await prepare(shop, given.customers)
        for service, place in POINTS:
            if given.point and given.point not in f"{service}:{place}":
                continue
            outcome = await crash(stack, load, service, place, given)
            print(line(outcome), flush=True)
            outcomes.append(outcome)
        for subject in ("Your receipt", "Your purchase could not be completed"):
            repeated = await caught_ids(shop.session, stack.url("mail_api"), subject)
            print(f"{subject}: {len(repeated)} mails, {repeated.total() - len(repeated)} repetitions")
    return outcomes


def line(outcome: Outcome) -> str:
    ends = " ".join(f"{kind} {count}" for kind, count in sorted(outcome.outcomes.items()))
    return (
        f"| {outcome.point} | {outcome.kills} | {outcome.purchases} | {ends} | {len(outcome.violations)} "
        f"| {outcome.slowest} s | {outcome.settled_after} s | {outcome.seconds} s |"
        + "".join(f"\n    {violation}" for violation in outcome.violations[:5])
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="just crashpoints", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="deaths at each point")
    parser.add_argument("--purchases", type=int, default=200, help="at least so many at each point")
    parser.add_argument("--chance", type=float, default=0.15, help="of dying at each visit")
    parser.add_argument("--seconds", type=float, default=180, help="at most for one point's deaths")
    parser.add_argument("--customers", type=int, default=20)
    parser.add_argument("--point", help="only points whose name contains this")
    parser.add_argument("--port-base", type=int, default=25_000)
    given = parser.parse_args()
    with TemporaryDirectory(prefix="shop-crash-") as home:
        stack = Stack(home=Path(home), port_base=given.port_base, environment=SETTINGS)
        try:
            stack.start(tied=True)
            print(
                "| point | kills | purchases | outcomes | violations "
                "| slowest purchase | settled after | took |"
            )
            print("|---|---|---|---|---|---|---|---|", flush=True)
            outcomes = asyncio.run(campaign(stack, given))
        except StackError as error:
            print(f"crashpoints: {error}", file=sys.stderr)
            return 1
        finally:
            stack.stop()
    total = Counter[str]()
    for outcome in outcomes:
        total.update(kills=outcome.kills, purchases=outcome.purchases, violations=len(outcome.violations))
    print(dict(total))
    return 1 if total["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
