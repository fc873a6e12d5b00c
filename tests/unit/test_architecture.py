"""The pages forget nothing: what the code has, they name; what they cite, there is."""

import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest

from deploy.docs import pages
from deploy.docs.__main__ import WRITERS
from deploy.docs.settings import KINDS

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "ARCHITECTURE.md", "PROTOCOL.md", "CONTRIBUTING.md"]
TEXT = {page: (ROOT / page).read_text() for page in PAGES}
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TO_BE_WRITTEN = {"common/contracts/courier.py"}


def folders() -> list[str]:
    passing = {"__pycache__", "build", "dist"}
    return [
        path.name
        for path in ROOT.iterdir()
        if path.is_dir() and path.name not in passing and not path.name.startswith(".") and path.suffix == ""
    ]


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", TEXT["ARCHITECTURE.md"], re.DOTALL | re.MULTILINE)
    assert found, title
    return found[1]


def test_the_generated_blocks_are_fresh() -> None:
    stale = "python -m deploy.docs writes them"
    assert pages.filled(TEXT["ARCHITECTURE.md"], WRITERS) == TEXT["ARCHITECTURE.md"], stale


def test_a_stale_block_is_noticed() -> None:
    forged = TEXT["ARCHITECTURE.md"].replace(
        "| `cmd.order.cancel_order` | command", "| `cmd.order.x` | command"
    )
    assert forged != TEXT["ARCHITECTURE.md"]
    assert pages.filled(forged, WRITERS) == TEXT["ARCHITECTURE.md"]


def test_every_block_stands_on_the_page() -> None:
    assert {block[2] for block in pages.BLOCK.finditer(TEXT["ARCHITECTURE.md"])} == WRITERS.keys()


@pytest.mark.parametrize("folder", folders())
def test_every_folder_is_on_the_map(folder: str) -> None:
    assert f"| `{folder}/` |" in section("Map")


def test_every_dependency_has_its_reason() -> None:
    lists = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    needed = {re.split(r"[\[<>=;~ ]", each)[0] for dependencies in lists for each in dependencies}
    rows = re.findall(r"^\| (`.*`) \| \S+", section("Dependencies"), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`([^`]+)`", row)} == needed


def test_every_settings_struct_is_on_the_page() -> None:
    files = [*ROOT.glob("*/settings.py"), ROOT / "deploy/psp/settings.py"]
    modules = [import_module(".".join(file.relative_to(ROOT).with_suffix("").parts)) for file in files]
    structs = {
        thing
        for module in modules
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, msgspec.Struct) and thing is not msgspec.Struct
    }
    assert structs <= set(KINDS.values())
    for struct in structs:
        for field in msgspec.structs.fields(struct):
            assert f"| `{field.name.upper()}` |" in section("Settings")


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    named = set(re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", TEXT[page])) - TO_BE_WRITTEN
    ours = {name for name in named if (ROOT / name.split("/")[0]).exists()}
    assert not {name for name in ours if not (ROOT / name).exists()}


def written() -> Iterator[tuple[str, str]]:
    """Everything that has comments: name, text."""
    for folder in folders():
        for suffix in ("py", "sql", "yaml", "conf", "js"):
            for file in (ROOT / folder).rglob(f"*.{suffix}"):
                yield str(file.relative_to(ROOT)), file.read_text()


def test_every_rule_that_the_code_cites_is_in_the_protocol() -> None:
    rows = set(re.findall(r"^\| ([PIJ]\d+) \|", TEXT["PROTOCOL.md"], re.MULTILINE))
    sections = set(re.findall(r"^## (\d+) ", TEXT["PROTOCOL.md"], re.MULTILINE))
    assert len(rows) > 30
    unknown = {
        (file, cited)
        for file, text in written()
        for cited in re.findall(r"\b[PIJ]\d{1,2}\b|\b[Pp]rotocol \d+\b", text)
        if cited.split()[-1] not in rows | sections
    }
    assert unknown == set()


def test_no_comment_cites_a_page_that_is_not_here() -> None:
    cited = {
        (file, page) for file, text in written() for page in re.findall(r"\b(?:docs/)?[\w-]+\.md\b", text)
    }
    assert {(file, page) for file, page in cited if not (ROOT / page).exists()} == set()
