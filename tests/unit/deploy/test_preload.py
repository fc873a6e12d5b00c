"""A copy of a process that has loaded the libraries is what `exec` of Python would have been."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.embedded import preload
from deploy.embedded.layout import ROOT

pytestmark = pytest.mark.skipif(not preload.is_possible(), reason="only Linux has copies")

PARENT = """
import os, signal, sys
from deploy.embedded import preload
preload.load()
os.environ["OF_THE_PARENT"] = "yes"
signal.signal(signal.SIGTERM, lambda *_: None)
signal.signal(signal.SIGHUP, lambda *_: None)
if os.fork() == 0:
    preload.become([sys.executable, "-m", "probe", "--role", "api"], {"TOLD": "this"}, "orchestrator-10")
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""
TELLS = """
import json, os, signal, sys
print(json.dumps({
    "environ": dict(os.environ),
    "argv": sys.argv[1:],
    "name": __name__,
    "main": sys.modules["__main__"].__dict__ is globals(),
    "comm": open("/proc/self/comm").read().strip(),
    "loaded": [each for each in ("litestar", "nats", "redis", "asyncpg", "uvicorn") if each in sys.modules],
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
    original = preload.Original({})
    assert original.suits((sys.executable, "-m", "order"))
    assert not original.suits(("/usr/bin/python3", "-m", "order"))
    assert not original.suits((sys.executable, "order.py"))
    assert not original.suits(("/bin/nats-server", "-c", "file"))


def test_after_an_edit_of_what_was_loaded_there_are_no_copies(tmp_path: Path) -> None:
    """Who restarts a service runs what is there now."""
    file, command = tmp_path / "common.py", (sys.executable, "-m", "order")
    file.touch()
    original = preload.Original({file: preload.written(file)})
    assert original.suits(command)
    os.utime(file, ns=(1, 1))
    assert not original.suits(command)
    file.unlink()
    assert not original.suits(command)


def test_it_knows_the_files_of_ours_that_it_has_read() -> None:
    known = "from deploy.embedded import preload; print(*preload.load().read)"
    read = subprocess.run([sys.executable, "-c", known], cwd=ROOT, capture_output=True, text=True, check=True)
    files = read.stdout.split()
    assert {str(ROOT / "common/main.py"), str(ROOT / "deploy/embedded/preload.py")} <= set(files)
    assert not [file for file in files if "site-packages" in file]
