"""Long turns at the processors, for a process and all that it starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.embedded.scheduling import SLICE_NANOSECONDS

CHILD = "import os; print(os.sched_getscheduler(0), os.nice(0)); print(open('/proc/self/sched').read())"
PARENT = f"""
import subprocess, sys
from deploy.embedded.scheduling import take_turns
take_turns()
subprocess.run([sys.executable, "-c", {CHILD!r}], check=True)
"""
SINCE = (6, 12)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux's")


def said(*, nice: int = 0) -> list[str]:
    ran = subprocess.run(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        preexec_fn=lambda: os.nice(nice),
    )
    return ran.stdout.splitlines()


@pytest.mark.parametrize("nice", [0, 5])
def test_whoever_is_started_inherits_the_turns_and_keeps_being_nice(nice: int) -> None:
    assert said(nice=nice)[0] == f"{os.SCHED_BATCH} {os.nice(0) + nice}"


@pytest.mark.skipif(not Path("/proc/self/sched").exists(), reason="the kernel tells nothing of it")
def test_turns_are_as_long_as_they_should() -> None:
    if tuple(map(int, os.uname().release.split(".")[:2])) < SINCE:
        pytest.skip("the kernel has one slice for all")
    [slice_line] = [line for line in said() if line.startswith("se.slice")]
    assert int(slice_line.split(":")[1]) == SLICE_NANOSECONDS
