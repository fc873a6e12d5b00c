"""The import rules of pyproject.toml hold, and each is awake: it reports an import that it forbids."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
RULES: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract["name"] for contract in RULES["contracts"]}

OFFENCES = [
    ("independence", "order/model.py", "payment.model.row"),
    ("foundation", "common/messaging/provisioner.py", "order.settings"),
    ("foundation", "order/settings.py", "deploy.client"),
    ("floors", "product/repository/stock.py", "product.handlers"),
    ("floors", "purchase/streams.py", "purchase.routes"),
    ("common-floors", "common/ids.py", "common.settings"),
    ("acyclic", "common/messaging/codec.py", "common.messaging.outbox"),
    ("pure", "order/model.py", "asyncpg"),
    ("pure", "orchestrator/saga.py", "time"),
    ("pure", "common/contracts/message.py", "asyncio"),
    ("tables", "product/handlers.py", "product.tables"),
    ("statements", "product/handlers.py", "asyncpg"),
    ("words-account", "account/model.py", "common.contracts.purchase"),
    ("words-product", "product/handlers.py", "common.contracts.payment"),
    ("words-order", "order/handlers.py", "common.contracts.product"),
    ("words-payment", "payment/handlers.py", "common.contracts.order"),
    ("words-media", "media/handlers.py", "common.contracts.order"),
    ("words-mail", "mail/handlers.py", "common.contracts.payment"),
    ("words-purchase", "purchase/handlers.py", "common.contracts.account"),
    ("words-orchestrator", "orchestrator/worker.py", "common.contracts.mail"),
    ("speakers", "common/contracts/order.py", "common.contracts.payment"),
]


LINTER = """
import sys
from pathlib import Path
from importlinter.cli import lint_imports

def lint(title):
    print(f"<{title}>", flush=True)
    lint_imports(cache_dir=None, no_logo=True)

lint("as it is")
for offence in sys.argv[1:]:
    name, module = offence.split()
    file = Path(name)
    before = file.read_text()
    file.write_text(f"{before}\\nimport {module}\\n")
    lint(offence)
    file.write_text(before)
"""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the linter prints about a copy of the packages as they are, and with each offence in turn.

    In one process of its own: a linter takes ten times as long to start as to lint, and this process has
    imported the packages that it is to find in the copy.
    """
    place = tmp_path_factory.mktemp("shop")
    shutil.copy(ROOT / "pyproject.toml", place)
    for package in RULES["root_packages"]:
        shutil.copytree(ROOT / package, place / package, ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(
        [sys.executable, "-c", LINTER, *(f"{file} {module}" for _, file, module in OFFENCES)],
        cwd=place,
        env=os.environ | {"COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    parts = re.split(r"^<(.*)>$", done.stdout, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def broken(report: str) -> set[str]:
    """The contracts that a report calls broken; it must say something about every one."""
    lines = report.splitlines()
    verdicts = {
        contract: verdict
        for contract, name in CONTRACTS.items()
        for verdict in ("KEPT", "BROKEN")
        if f"{name} {verdict}" in lines
    }
    assert verdicts.keys() == CONTRACTS.keys(), report
    return {contract for contract, verdict in verdicts.items() if verdict == "BROKEN"}


def test_the_code_keeps_every_contract(reports: dict[str, str]) -> None:
    assert broken(reports["as it is"]) == set(), reports["as it is"]


@pytest.mark.parametrize(("contract", "file", "module"), OFFENCES)
def test_an_offending_import_breaks_its_contract_alone(
    reports: dict[str, str], contract: str, file: str, module: str
) -> None:
    assert broken(reports[f"{file} {module}"]) == {contract}


def test_every_contract_is_proved_by_an_offence() -> None:
    assert {contract for contract, _, _ in OFFENCES} == CONTRACTS.keys()


def test_every_package_is_under_the_rules() -> None:
    packages = {file.parent.name for file in ROOT.glob("*/__init__.py")} - {"tests"}
    assert packages == set(RULES["root_packages"])
    services = {package for package in packages if (ROOT / package / "__main__.py").exists()}
    by_id = {contract["id"]: contract for contract in RULES["contracts"]}
    assert services == set(by_id["independence"]["modules"]) == set(by_id["floors"]["containers"])
    assert services == {
        contract.removeprefix("words-") for contract in by_id if contract.startswith("words-")
    }
