"""The linter's security rules are on, and nobody steps around one without saying why."""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("account", "common", "mail", "media", "order", "orchestrator", "payment", "product", "purchase")
REACH: Mapping[str, set[str]] = {
    "aiohttp": {"payment/gateway.py", "media/store.py"},
    "aiosmtplib": {"mail/mailer.py", "mail/pipeline.py"},
    "http.client": {"common/http/keys.py", "common/telemetry/reports.py"},
    "minio": {"media/store.py"},
    "redis": {"common/redis.py"},
    "socket": {"common/http/server.py", "common/main.py"},  # the port that uvicorn is given; its own name
    "urllib3": {"media/store.py"},
}
"""Who has a library with which one can ask any address. Each asks the one that its settings name."""
OTHERS = {"http.client", "httpx", "requests", "smtplib", "ftplib", "urllib.request", "websockets", "xmlrpc"}
CALLS = {"open_connection", "create_connection", "sock_connect", "create_datagram_endpoint"}
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


def test_only_adapters_can_reach_another_machine() -> None:
    """No address comes from a request (tests/security/test_fields.py): those are the settings'."""
    found: dict[str, set[str]] = {}
    for file in (file for room in ROOMS for file in (ROOT / room).rglob("*.py")):
        for name in reaching(ast.parse(file.read_text())):
            found.setdefault(name, set()).add(str(file.relative_to(ROOT)))
    beside = {name: files - REACH.get(name, set()) for name, files in found.items()}
    assert {name: files for name, files in beside.items() if files} == {}
    assert found.keys() >= {"aiohttp", "aiosmtplib", "redis"}


def reaching(tree: ast.AST) -> Iterator[str]:
    """The libraries that it imports and the calls that it makes."""
    for node in ast.walk(tree):
        imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            imported = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in imported:
            if name in OTHERS or name.split(".")[0] in REACH.keys() | OTHERS:
                yield name if name in OTHERS else name.split(".")[0]
        if isinstance(node, ast.Attribute) and node.attr in CALLS:
            yield node.attr
