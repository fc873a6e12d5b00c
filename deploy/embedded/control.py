"""Talking to a running supervisord over its socket."""

import http.client
import socket
import time
import xmlrpc.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.embedded.errors import NotRunning, StackError

ALREADY_STARTED, NOT_RUNNING = 60, 70
AT_REST = ("stopped", "fatal")
"""The states that supervisord leaves only when it is told to."""


@dataclass(frozen=True)
class Process:
    """What supervisord knows of one program."""

    name: str
    group: str
    pid: int
    state: str

    @property
    def address(self) -> str:
        """How supervisord names it."""
        return f"{self.group}:{self.name}"


class SocketConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        """The host name is never looked up."""
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self) -> None:
        """Connect to the socket file instead of a host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class SocketTransport(xmlrpc.client.Transport):
    """XML-RPC over that connection."""

    def __init__(self, path: Path) -> None:
        """Remember the socket file."""
        super().__init__()
        self.path = path

    def make_connection(self, _: object) -> http.client.HTTPConnection:
        """A fresh connection per call: threads may share the transport's owner. Closed with the proxy."""
        connection = SocketConnection(self.path)
        self._connection = ("localhost", connection)
        return connection


@dataclass(frozen=True)
class Control:
    """Asks and orders; each call connects anew, so threads may share one."""

    socket: Path

    @contextmanager
    def _talk(self) -> Iterator[Any]:
        try:
            with xmlrpc.client.ServerProxy("http://localhost", SocketTransport(self.socket)) as proxy:
                yield proxy.supervisor
        except (OSError, http.client.HTTPException) as error:
            raise NotRunning("supervisord does not answer; is the stack up?") from error
        except xmlrpc.client.Fault as fault:
            raise StackError(f"supervisord: {fault.faultString}") from fault

    def processes(self) -> dict[str, Process]:
        """Every program by name."""
        with self._talk() as supervisor:
            known = supervisor.getAllProcessInfo()
        return {
            each["name"]: Process(each["name"], each["group"], each["pid"], each["statename"].lower())
            for each in known
        }

    def answers(self) -> bool:
        """Whether somebody is there to talk to."""
        try:
            self.processes()
        except NotRunning:
            return False
        return True

    def find(self, name: str) -> Process:
        """One program; a clear line when there is none of that name."""
        known = self.processes()
        if name not in known:
            raise StackError(f"no process {name}; there are {', '.join(sorted(known))}")
        return known[name]

    def start(self, name: str) -> None:
        """Start it unless it runs; whether it then serves is for its probe to say."""
        with self._talk() as supervisor:
            tolerate(ALREADY_STARTED, supervisor.startProcess, self.find(name).address, False)

    def stop(self, name: str) -> None:
        """Stop it and wait until it is gone; it stays stopped until it is started again.

        One that died a moment ago is in no state that can be stopped until supervisord has begun it again.
        Asked anew each time instead of waited for: a stop may take longer than any answer should.
        """
        while (process := self.find(name)).state not in AT_REST:
            self._stop(process.address)
            time.sleep(0.02)

    def _stop(self, address: str) -> None:
        with self._talk() as supervisor:
            tolerate(NOT_RUNNING, supervisor.stopProcess, address, False)


def tolerate(code: int, call: Any, *arguments: object) -> None:
    """Make the call; a fault that says "it is so already" is what was wanted."""
    try:
        call(*arguments)
    except xmlrpc.client.Fault as fault:
        if fault.faultCode != code:
            raise
