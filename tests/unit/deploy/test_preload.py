"""A copy of a process that has loaded the libraries is what `exec` of Python would have been."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.embedded import preload
from deploy.embedded.layout import ROOT

pytestmark = pytest.mark.skipif(not preload.is_possible(), reason="only Linux has copies")

PARENT = """
import os, signal, sys, tempfile
from deploy.embedded import preload
preload.load()
open_file = tempfile.TemporaryFile()
os.environ["OF_THE_PARENT"] = "yes"
signal.signal(signal.SIGTERM, lambda *_: None)
signal.signal(signal.SIGHUP, lambda *_: None)
if os.fork() == 0:
    preload.become([sys.executable, "-m", "probe", "--role", "api"], {"TOLD": "this"}, "orchestrator-10")
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""
TELLS = """
import json, os, signal, sys, threading
print(json.dumps({
    "environ": dict(os.environ),
    "argv": sys.argv[1:],
    "name": __name__,
    "main": sys.modules["__main__"].__dict__ is globals(),
    "comm": open("/proc/self/comm").read().strip(),
    "loaded": [each for each in ("litestar", "nats", "redis", "asyncpg", "uvicorn") if each in sys.modules],
    "ours": [each for each in sys.modules if each.partition(".")[0] in ("common", "deploy")],
    "handled": [each.name for each in signal.valid_signals() if callable(signal.getsignal(each))],
}))
"""


def run(folder: Path, probe: str) -> "subprocess.CompletedProcess[str]":
    (folder / "probe.py").write_text(probe, encoding="utf-8")
    environment = {"PYTHONPATH": f"{ROOT}:{folder}", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-c", PARENT],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )


def test_it_has_the_libraries_and_nothing_else_of_its_parent(tmp_path: Path) -> None:
    told, code = run(tmp_path, TELLS).stdout.splitlines()
    assert json.loads(told) == {
        "environ": {"TOLD": "this"},
        "argv": ["--role", "api"],
        "name": "__main__",
        "main": True,
        "comm": "orchestrator-10",
        "loaded": ["litestar", "nats", "redis", "asyncpg", "uvicorn"],
        "ours": [],
        "handled": ["SIGINT"],
    }
    assert code == "0"


@pytest.mark.parametrize(
    ("ends", "code", "said"),
    [
        ("raise SystemExit(3)", "3", ""),
        ("raise SystemExit", "0", ""),
        ("raise SystemExit('no such thing')", "1", "no such thing\n"),
        ("1 / 0", "1", "ZeroDivisionError: division by zero\n"),
        ("import os; os.kill(os.getpid(), 15)", "-15", ""),
        ("import nowhere", "1", "ModuleNotFoundError: No module named 'nowhere'\n"),
    ],
)
def test_it_ends_as_python_would(tmp_path: Path, ends: str, code: str, said: str) -> None:
    done = run(tmp_path, ends)
    assert done.stdout == f"{code}\n"
    assert done.stderr.endswith(said)
    assert bool(done.stderr) == bool(said)


def test_only_what_this_python_would_run_begins_as_a_copy() -> None:
    assert preload.suits((sys.executable, "-m", "order"))
    assert not preload.suits(("/usr/bin/python3", "-m", "order"))
    assert not preload.suits((sys.executable, "order.py"))
    assert not preload.suits(("/bin/nats-server", "-c", "file"))
