"""Brings back a server that lives and can do nothing any more.

After one failed write nats-server refuses every message, also when its disk has room again, and its health
says so: only a new start helps. Nobody else would start it, for it has not died.
"""

import os
import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPException

from deploy.embedded.probes import get

MONITOR = "SHOP_MONITOR"
"""In a program's environment: the port on which it tells its health."""
EVERY = 2.0
INCURABLE = "write error"


class Nurse(threading.Thread):
    """Looks at the pids that `patients` names, by the port of their monitor."""

    def __init__(self, patients: Callable[[], Mapping[int, int]]) -> None:
        """Dies with the supervisor."""
        super().__init__(daemon=True)
        self.patients = patients

    def run(self) -> None:
        """Until the process ends."""
        pause = threading.Event()
        while not pause.wait(EVERY):
            for port, pid in self.patients().items():
                if is_incurable(port):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGTERM)


def is_incurable(port: int) -> bool:
    """Who does not answer is starting, or busy: that passes."""
    try:
        status, body = get(port, "/healthz")
    except (OSError, HTTPException):
        return False
    return status == 503 and INCURABLE in body
