"""`./just chaos`: a shop of real processes is shot at, in scenarios, and the books are compared."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import msgspec

import deploy.chaos.scenarios  # noqa: F401  # registers them
from deploy.chaos.beside import beside, release
from deploy.chaos.campaign import Campaign
from deploy.chaos.mutants import hunt
from deploy.chaos.page import page
from deploy.chaos.report import reported
from deploy.chaos.scenario import SCENARIOS, Scenario
from deploy.chaos.soak import soak
from deploy.embedded.errors import StackError

QUICK_OVERTIME = 5.0
"""The gate tells right from wrong, also where others keep the processors busy."""


def chosen(given: argparse.Namespace) -> Sequence[Scenario]:
    """Ends the program with one line for a name that is nobody's."""
    if given.minutes:
        return [soak(given.minutes)]
    if given.all:
        return list(SCENARIOS.values())
    if given.quick:
        return [each for each in SCENARIOS.values() if each.quick]
    unknown = [name for name in given.scenario if name not in SCENARIOS]
    if unknown or not given.scenario:
        known = ", ".join(SCENARIOS)
        sys.exit(f"chaos: {f'no scenario {unknown[0]}' if unknown else 'which scenario?'}; there are {known}")
    return [SCENARIOS[name] for name in given.scenario]


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="just chaos", description=__doc__)
    parser.add_argument("--scenario", action="append", default=[], help="may be repeated")
    parser.add_argument("--all", action="store_true", help="every scenario, one after the other")
    parser.add_argument("--minutes", type=float, help="a soak: random faults, for so long")
    parser.add_argument("--quick", action="store_true", help="the few that the gate runs")
    parser.add_argument(
        "--mutants",
        nargs="?",
        const="",
        metavar="NAME",
        help="faults seeded in the code: each must be noticed",
    )
    parser.add_argument(
        "--beside", metavar="COMMIT", help="every second replica runs the code of that commit"
    )
    parser.add_argument("--list", action="store_true", help="what there is")
    parser.add_argument("--rate", type=float, default=30.0, help="clicks per second")
    parser.add_argument("--customers", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port-base", type=int, default=25_400)
    parser.add_argument("--logs", type=Path, help="keep the logs of scenarios that failed there")
    parser.add_argument("--json", type=Path, help="write the report here, for programs")
    parser.add_argument("--page", type=Path, help="write the report here, as an HTML page")
    return parser.parse_args()


def main() -> int:
    given = parsed()
    if given.list:
        for each in SCENARIOS.values():
            print(f"{each.name:32} {each.about}")
        return 0
    if given.mutants is not None:
        return min(1, hunt(given.mutants, rate=given.rate, seed=given.seed, port_base=given.port_base))
    began_at = datetime.now(UTC)
    campaign = Campaign(
        given.rate,
        given.customers,
        given.seed,
        given.port_base,
        QUICK_OVERTIME if given.quick else 2.0,
        given.logs,
    )
    try:
        with release(given.beside) if given.beside else nullcontext() as other:
            scenarios = [beside(other)] if other else chosen(given)
            verdicts = asyncio.run(campaign.run(scenarios))
    except StackError as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 2
    report = reported(verdicts, seed=given.seed, rate=given.rate, began_at=began_at)
    if given.json:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1))
    if given.page:
        given.page.write_text(page(report))
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
