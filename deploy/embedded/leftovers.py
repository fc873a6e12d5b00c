"""Finding and ending every process of a stack, also when supervisord is no longer there to ask."""

import os
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.embedded.layout import SERVICES
from deploy.embedded.postgres import STOP_SECONDS
from deploy.embedded.program import Program
from deploy.embedded.supervisord import MARK

GRACE = float(Program.stop_seconds)
SUPERVISOR = "supervisord"
COPIES = dict.fromkeys((*SERVICES, "provisioner"), "services") | dict.fromkeys(("psp", "smtp"), "servers")
"""Group by name of what may be a copy of the supervisor (`preload.py`), whose environment it shows."""


@dataclass(frozen=True)
class Leftover:
    """A process that carries a stack's mark."""

    process: psutil.Process
    name: str
    group: str

    @property
    def stop_signal(self) -> signal.Signals:
        """Postgres stops fast on SIGINT; a SIGTERM would wait for its clients."""
        return signal.SIGINT if self.name == "postgres" else signal.SIGTERM

    @property
    def patience(self) -> float:
        """Seconds that it may take; supervisord waits for the others, one group after the other."""
        return {"postgres": STOP_SECONDS, SUPERVISOR: STOP_SECONDS + 2 * GRACE}.get(self.name, GRACE)


def marked(home: Path) -> list[Leftover]:
    """Everything started for this home, by the mark in its environment, which outlives its parents."""
    mine = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        try:
            environment = {} if process.pid in mine else process.environ()
            if environment.get(MARK) == str(home) and is_alive(process):
                found.append(Leftover(process, *known_as(process, environment)))
        except (psutil.Error, OSError):
            continue
    return found


def known_as(process: psutil.Process, environment: Mapping[str, str]) -> tuple[str, str]:
    """Its name and its group, as supervisord told it or as a copy calls itself."""
    if told := environment.get("SUPERVISOR_PROCESS_NAME"):
        return told, environment["SUPERVISOR_GROUP_NAME"]
    name = process.name()
    group = COPIES.get(name.partition("-")[0])
    return (name, group) if group else (SUPERVISOR, SUPERVISOR)


def end_all(home: Path) -> list[str]:
    """supervisord first, so that it restarts nothing (it stops the rest in order); then whatever is left."""
    ended = [each.name for each in marked(home)]
    if not ended:
        return []
    for group in (SUPERVISOR, "services", "servers"):
        end([each for each in marked(home) if each.group == group])
    end(marked(home))
    return ended


def end(leftovers: Iterable[Leftover]) -> None:
    """Ask, wait, then insist."""
    asked = list(leftovers)
    for each in asked:
        tell(each.process, each.stop_signal)
    patience = max((each.patience for each in asked), default=0.0)
    stubborn = gone([each.process for each in asked], patience)
    for process in stubborn:
        tell(process, signal.SIGKILL)
    gone(stubborn, GRACE)


def tell(process: psutil.Process, what: signal.Signals) -> None:
    """Send a signal; psutil makes sure the pid is still the same process."""
    try:
        process.send_signal(what)
    except psutil.NoSuchProcess:
        return


def gone(processes: list[psutil.Process], patience: float) -> list[psutil.Process]:
    """Wait until nobody is left or patience is; answer who is still there."""
    deadline, left = time.monotonic() + patience, processes
    while (left := [process for process in left if is_alive(process)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def is_alive(process: psutil.Process) -> bool:
    """A zombie is dead: it only waits for its parent to notice."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
