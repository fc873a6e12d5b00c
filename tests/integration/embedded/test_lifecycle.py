"""A stack starts, stops, keeps its data and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from deploy.embedded import leftovers
from deploy.embedded.errors import AlreadyRunning, NotRunning, PortTaken
from deploy.embedded.layout import ROOT
from deploy.embedded.stack import Stack

pytestmark = pytest.mark.embedded
OWNER_STARTS = """
import sys
from pathlib import Path
from deploy.embedded.stack import Stack
Stack(Path(sys.argv[1]), int(sys.argv[2])).start(bare=True, tied=True)
print("started", flush=True)
input()
"""


def supervisor_pid(stack: Stack) -> int:
    (found,) = [each for each in leftovers.marked(stack.home) if each.name == leftovers.SUPERVISOR]
    return found.process.pid


def test_a_second_start_finds_the_data_and_a_stop_finds_every_orphan(idle: Stack) -> None:
    idle.start(bare=True, tied=True)
    idle.postgres.run("DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 1", "order")
    with pytest.raises(AlreadyRunning) as second:
        idle.start(bare=True, tied=True)
    assert second.value.same

    os.kill(supervisor_pid(idle), signal.SIGKILL)
    while idle.is_running:
        time.sleep(0.02)
    assert {each["state"] for each in idle.processes().values()} == {"orphaned"}
    assert set(idle.stop()) - {"s3"} == {"postgres", "nats", "redis", "smtp"}, (
        "s3 ends with who reads its log"
    )
    assert leftovers.marked(idle.home) == []
    assert idle.processes() == {}

    idle.start(bare=True, tied=True)
    idle.postgres.run("INSERT INTO kept VALUES (2)", "order")
    idle.stop()
    assert leftovers.marked(idle.home) == []
    with pytest.raises(NotRunning):
        idle.restart("redis")


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's")
def test_every_program_takes_long_turns_at_the_processors(bare: Stack) -> None:
    policies: dict[str, int] = {}
    for each in leftovers.marked(bare.home):
        with suppress(ProcessLookupError):  # as a process of Postgres whose client has gone
            policies[each.name] = os.sched_getscheduler(each.process.pid)
    assert {"postgres", "nats", "redis", "s3"} <= policies.keys()
    assert set(policies.values()) == {os.SCHED_BATCH}, policies


def test_a_start_over_orphans_replaces_them(idle: Stack) -> None:
    idle.start(bare=True, tied=True)
    before = idle.pid("postgres")
    os.kill(supervisor_pid(idle), signal.SIGKILL)
    idle.start(bare=True, tied=True)
    assert idle.pid("postgres") != before


def test_a_tied_stack_ends_with_its_owner_however_that_ends(idle: Stack) -> None:
    command = [sys.executable, "-c", OWNER_STARTS, str(idle.home), str(idle.port_base)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout
        assert owner.stdout.readline() == "started\n"
        assert leftovers.marked(idle.home)
        owner.kill()
    deadline = time.monotonic() + 120
    while leftovers.marked(idle.home):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_two_stacks_do_not_share_ports(bare: Stack, idle: Stack) -> None:
    with pytest.raises(PortTaken, match=f"port {bare.layout.port('postgres')} .postgres. is taken by"):
        Stack(idle.home, bare.port_base).start(bare=True, tied=True)
    assert leftovers.marked(idle.home) == []
