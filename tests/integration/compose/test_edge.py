"""What Traefik is told about replicas, and what a container's health check asks: over real sockets."""

import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.compose import edge as edge_module
from deploy.compose.edge import Replicas, by_name, server
from tests.support import free_port

READY = Path(__file__).parents[3] / "deploy/compose/ready.py"
Serving = Callable[..., AbstractContextManager[None]]


@contextmanager
def served(port: int, host: str, status: int) -> Iterator[None]:
    """A replica that answers every question with this status."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    listening = ThreadingHTTPServer((host, port), Answer)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        listening.shutdown()
        listening.server_close()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replica has a second to answer, and here more than that."""
    monkeypatch.setattr(edge_module, "HTTPConnection", lambda host, port, timeout: HTTPConnection(host, port))


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def serving(port: int) -> Serving:
    return partial(served, port)


def test_a_replica_is_named_when_it_is_ready_and_stays_until_its_address_is_gone(
    port: int, serving: Serving
) -> None:
    there = {"order": {"127.0.0.2", "127.0.0.3"}}
    replicas = Replicas(lambda service: there.get(service, set()), port)
    with serving("127.0.0.2", 200), serving("127.0.0.3", 503):
        assert replicas.now()["order"] == [f"127.0.0.2:{port}"]
    with serving("127.0.0.2", 503), serving("127.0.0.3", 200):
        assert replicas.now()["order"] == [f"127.0.0.2:{port}", f"127.0.0.3:{port}"]
        there["order"] = {"127.0.0.3"}
        assert replicas.now()["order"] == [f"127.0.0.3:{port}"]
        there["order"] = {"127.0.0.2", "127.0.0.3"}
        assert replicas.now()["order"] == [f"127.0.0.3:{port}"]


def test_traefik_gets_a_router_for_each_service_that_runs(port: int, serving: Serving) -> None:
    replicas = Replicas(lambda service: {"127.0.0.2"} if service == "order" else set(), port)
    edge = server(("127.0.0.1", free_port()), replicas)
    threading.Thread(target=edge.serve_forever, daemon=True).start()
    with serving("127.0.0.2", 200), urllib.request.urlopen(f"http://127.0.0.1:{edge.server_port}/") as answer:
        told = json.load(answer)["http"]
    edge.shutdown()
    edge.server_close()
    assert list(told["routers"]) == ["order"]
    assert told["services"]["order-ready"]["loadBalancer"]["servers"] == [{"url": f"http://127.0.0.2:{port}"}]


def test_a_name_that_nobody_has_is_nobody() -> None:
    assert by_name("nobody.invalid") == set()
    assert by_name("localhost") == {"127.0.0.1"}


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_health_check_wants_a_200(port: int, serving: Serving, status: int, code: int) -> None:
    with serving("127.0.0.1", status):
        asked = subprocess.run([sys.executable, "-IS", READY], env={"PORT": str(port)}, check=False)
    assert asked.returncode == code


def test_the_health_check_fails_where_nobody_listens(port: int) -> None:
    asked = subprocess.run(
        [sys.executable, "-IS", READY], env={"PORT": str(port)}, check=False, capture_output=True
    )
    assert asked.returncode == 1
