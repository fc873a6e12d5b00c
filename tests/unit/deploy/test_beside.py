"""Which processes of a campaign run another release."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.chaos.arena import of_release
from deploy.chaos.beside import release
from deploy.embedded.errors import StackError
from deploy.embedded.probes import Lives
from deploy.embedded.program import Program


def program(name: str) -> Program:
    command = (sys.executable, "-m", "shop_of_another_release")
    return Program(name, command, "services", Lives(), environment={"SETTINGS_FILE": "-"})


def test_only_second_replicas_of_services_run_the_other_release() -> None:
    for name in ("order", "order-3", "nats-2", "redis-2"):
        assert of_release(program(name), "/elsewhere") == program(name)
    assert of_release(program("order-2"), "") == program("order-2")
    assert of_release(program("order-2"), "/elsewhere") != program("order-2")


def test_what_they_run_is_in_that_folder_whatever_lies_where_they_are_started(tmp_path: Path) -> None:
    for folder in ("there", "here"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "shop_of_another_release.py").write_text(f"print({folder!r})\n")
    other = of_release(program("order-2"), str(tmp_path / "there"))
    said = subprocess.run(
        other.command,
        env=dict(other.environment),
        cwd=tmp_path / "here",
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.stdout == "there\n", said.stderr


def test_a_commit_that_is_not_there_is_told_in_one_line() -> None:
    with pytest.raises(StackError, match="no-such-commit cannot be had"), release("no-such-commit"):
        pass
