"""One run of schemathesis against one service: its checks, its phases, and what it counted."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
ENDLESS = r"^/api/v1/purchases/events$"
"""A stream that does not end by itself; its door is tested with the roles, what it sends elsewhere."""


class Target(NamedTuple):
    """Base URLs; `account` is where one signs in."""

    service: str
    url: str
    account: str


class Outcome(NamedTuple):
    code: int
    cases: int
    output: str


async def run(target: Target, person: Mapping[str, str], home: Path, options: Sequence[str]) -> Outcome:
    """`person`: whose e-mail address and password sign in. What schemathesis keeps, it keeps in `home`."""
    report = home / "report.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", f"--config-file={CONFIGURATION}", "run"),
        f"{target.url}/api/v1/openapi/{target.service}.json",
        *(f"--url={target.url}", f"--exclude-path-regex={ENDLESS}", "--no-color"),
        *("--report=json", f"--report-json-path={report}", *options),
        env=os.environ
        | {
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.security.hooks",
            "CAMPAIGN_ACCOUNT": target.account,
            "CAMPAIGN_EMAIL": person["email"],
            "CAMPAIGN_PASSWORD": person["password"],
        },
        cwd=home,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:  # the test was cut off
            process.kill()
    code = await process.wait()
    cases = json.loads(report.read_text())["test_cases"]["generated"] if report.exists() else 0
    return Outcome(code, cases, output.decode())
