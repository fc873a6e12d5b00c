"""The linter's security rules are on, and nobody steps around one without saying why."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
STEPS_AROUND = re.compile(r"# noqa:[^#]*\bS\d{3}(?P<reason>.*)$")


def test_the_security_rules_are_on_everywhere_but_in_tests() -> None:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert "S" in lint["select"]
    off = [places for places, rules in lint["per-file-ignores"].items() if "S" in rules]
    assert off == ["tests/**"]


def test_every_exception_gives_its_reason() -> None:
    folders = [path for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")]
    found = [
        (file, line)
        for folder in folders
        if folder.name != "tests"
        for file in folder.rglob("*.py")
        for line in file.read_text().splitlines()
    ]
    stepping = [(file.name, step) for file, line in found if (step := STEPS_AROUND.search(line))]
    assert len(stepping) > 5
    assert [name for name, step in stepping if not re.search(r"[#-] +\w+", step["reason"])] == []
