"""The README promises nothing that is not there."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.embedded.layout import CLUSTER_OFFSETS, FIRST_SERVICE, OFFSETS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
RECIPES = re.findall(r"^([a-z][\w-]*)(?: \*\w+)?:(?!=)", (ROOT / "justfile").read_text(), re.MULTILINE)
STORY = re.compile(r"<!-- story -->\n```sh\n(.*?)```", re.DOTALL)
INTERNAL = {"SHOP_STACK", "SHOP_TIED", "SHOP_MONITOR"}
"""Marks that the supervisor hands to its own processes."""


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_every_recipe_that_a_page_names_is_in_the_justfile(page: str) -> None:
    named = set(re.findall(r"\./just ([a-z][\w-]*)", (ROOT / page).read_text()))
    assert named <= set(RECIPES)


def test_every_recipe_is_in_the_readme() -> None:
    table = set(re.findall(r"^\| `\./just ([\w-]+)", README, re.MULTILINE))
    assert table == set(RECIPES)


def test_every_setting_of_the_stack_is_in_the_readme() -> None:
    files = [*(ROOT / "deploy").rglob("*.py"), ROOT / "just", ROOT / "justfile"]
    read = {name for file in files for name in re.findall(r"\bSHOP_[A-Z_]*[A-Z]\b", file.read_text())}
    assert read - INTERNAL <= set(re.findall(r"`(SHOP_[A-Z_]+)`", README))


def test_every_port_is_in_the_readme() -> None:
    rows = re.findall(r"^\| (8\d{3}(?:, 8\d{3})*)(?: and up)? \|", README, re.MULTILINE)
    named = {int(port) for row in rows for port in row.split(", ")}
    offsets = {*OFFSETS.values(), *CLUSTER_OFFSETS.values(), FIRST_SERVICE}
    assert named == {8000 + offset for offset in offsets}


def test_the_story_is_a_shell_script_for_the_default_ports() -> None:
    [story] = STORY.findall(README)
    shell = shutil.which("sh")
    assert shell
    assert subprocess.run([shell, "-n"], input=story, text=True, check=False).returncode == 0
    for name in ("edge", "mail_api"):
        assert f":-http://localhost:{8000 + OFFSETS[name]}}}" in story
