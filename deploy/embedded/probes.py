"""Is it ready? Each probe asks the way a client would and answers what is wrong, or nothing."""

import http.client
import json
import socket
import subprocess
from dataclasses import dataclass
from typing import Protocol

PATIENCE = 2.0


class Probe(Protocol):
    """A question to one process."""

    def complaint(self) -> str | None:
        """Say what is wrong, or None when the process is ready."""
        ...


def get(port: int, path: str) -> tuple[int, str]:
    """One GET over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace").strip()
    finally:
        connection.close()


@dataclass(frozen=True)
class Answers:
    """Ready when a GET of the path answers 200."""

    port: int
    path: str

    def complaint(self) -> str | None:
        """Say which status came back instead, with the beginning of the body."""
        try:
            status, body = get(self.port, self.path)
        except (OSError, http.client.HTTPException) as error:
            return f"{self.path} on port {self.port}: {str(error) or type(error).__name__}"
        return None if status == 200 else f"{self.path} on port {self.port}: {status} {body[:500]}"


@dataclass(frozen=True)
class Routes:
    """Ready when the edge sends requests to every replica."""

    port: int
    replicas: int

    def complaint(self) -> str | None:
        """Say which replicas the edge leaves out."""
        try:
            status, body = get(self.port, "/api/http/services?per_page=100")
            known = json.loads(body) if status == 200 else []
        except (OSError, ValueError, http.client.HTTPException) as error:
            return f"port {self.port}: {error}"
        ready = [service for service in known if service["name"].partition("@")[0].endswith("-ready")]
        replicas = [item for service in ready for item in service.get("serverStatus", {}).items()]
        out = [url for url, state in replicas if state != "UP"]
        if status == 200 and not out and len(replicas) == self.replicas:
            return None
        return f"{len(replicas)} of {self.replicas} replicas known; not answering: {', '.join(out) or 'none'}"


@dataclass(frozen=True)
class Pings:
    """Ready when Redis answers PING to our password."""

    port: int
    user: str
    password: str

    def complaint(self) -> str | None:
        """Say what Redis answered instead of PONG."""
        question = f"AUTH {self.user} {self.password}\r\nPING\r\n".encode()
        try:
            with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
                connection.sendall(question)
                answer = b""
                while answer.count(b"\n") < 2 and (piece := connection.recv(200)):
                    answer += piece
        except OSError as error:
            return f"port {self.port}: {error}"
        return None if answer.endswith(b"+PONG\r\n") else answer.decode("utf-8", "replace").strip()


@dataclass(frozen=True)
class Succeeds:
    """Ready when a command exits with 0."""

    command: tuple[str, ...]

    def complaint(self) -> str | None:
        """Repeat what the command said."""
        try:
            run = subprocess.run(self.command, capture_output=True, text=True, timeout=10, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        return (
            None if run.returncode == 0 else f"{run.stdout}{run.stderr}".strip() or f"exit {run.returncode}"
        )


@dataclass(frozen=True)
class Lives:
    """Ready as soon as it runs: the process serves nobody directly."""

    def complaint(self) -> str | None:
        """Nothing to ask."""
        return None
