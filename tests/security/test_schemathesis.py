"""Every service against cases made from its own OpenAPI document, right ones and wrong ones."""

import sys
from pathlib import Path

import pytest

from tests.security import campaign
from tests.security.cast import Cast

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECONDS = {"account": 25, "product": 25, "order": 10, "payment": 10, "purchase": 20, "media": 10}
"""Of an ordinary run; with `--examples` each takes what it takes."""


@pytest.mark.parametrize("role", ["customer", "admin"])
@pytest.mark.parametrize("service", SECONDS)
async def test_no_case_finds_a_fault(
    shop: Cast,
    service: str,
    role: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    examples = request.config.getoption("--examples", default=None)
    if role == "admin" and examples is None:
        pytest.skip("only with --examples")
    replicas = shop.shop.shop.replicas
    outcome = await campaign.run(
        campaign.Target(service, next(replicas[service]), next(replicas["account"])),
        shop.people[role].person,
        tmp_path,
        [f"--max-examples={examples}"]
        if examples
        else [f"--max-time={SECONDS[service]}", "--max-examples=3"],
    )
    with capsys.disabled():
        sys.stdout.write(f"\n{service} as {role}: {outcome.cases} cases\n")
    assert outcome.code == 0, outcome.output
    assert outcome.cases > 0
