"""The edge lets through what is public, as it comes, and nothing else."""

import http.client
import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deploy.embedded import traefik
from deploy.embedded.layout import Layout
from tests.servers import free_base

pytestmark = pytest.mark.embedded
TICK = 0.3
READ_SECONDS = 2
LONG = 10
PATIENCE = 30
"""Seconds for what comes at once where the machine has time."""
POST = "POST /api/v1/orders HTTP/1.1\r\nHost: x\r\n"


class Replica(BaseHTTPRequestHandler):
    """A stand-in for a service: names itself, streams on request, is ready while told so."""

    go_on = threading.Event()
    ready = True
    posts = 0
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/readyz":
            self.answer(200 if type(self).ready else 503, b"")
        elif self.path.endswith("/events"):
            self.stream()
        else:
            self.answer(200, str(self.connection.getsockname()[1]).encode())

    def do_POST(self) -> None:
        type(self).posts += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(200, b"")

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        is_long = "/long/" in self.path
        for number in range(LONG if is_long else 2):
            self.wfile.write(f"id: {number}\n\n".encode())
            self.wfile.flush()
            if is_long:
                time.sleep(TICK)
            else:
                self.go_on.wait(2 * PATIENCE)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - theirs
        """Say nothing."""


class Moody(Replica):
    """A replica that can be made unready, and answers no POST."""

    def do_POST(self) -> None:
        type(self).posts += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self.close_connection = True


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """Traefik before two replicas of order and one of purchase."""
    layout = Layout(tmp_path_factory.mktemp("edge"), free_base())
    ports = {
        "order": [layout.service_port("order", 1), layout.service_port("order", 2)],
        "purchase": [layout.service_port("purchase")],
    }
    kinds = {ports["order"][1]: Moody}
    servers = [
        ThreadingHTTPServer(("127.0.0.1", port), kinds.get(port, Replica))
        for numbers in ports.values()
        for port in numbers
    ]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.05}).start()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(traefik, "READ_SECONDS", READ_SECONDS)
        program = traefik.program(layout, ports)
    with subprocess.Popen(program.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while program.ready.complaint():
            time.sleep(0.03)
        yield layout
        process.terminate()
    for server in servers:
        server.shutdown()
        server.server_close()


def get(layout: Layout, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", layout.port("edge"), timeout=PATIENCE)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def test_requests_go_to_all_ready_replicas_and_not_to_an_unready_one(edge: Layout) -> None:
    """A replica that is asked how it is, and slow to answer, is none for a moment."""
    first, second = (str(edge.service_port("order", number)) for number in (1, 2))
    until(lambda: {get(edge, "/api/v1/orders")[1] for _ in range(6)} == {first, second})
    Moody.ready = False
    until(lambda: {get(edge, "/api/v1/orders/1")[1] for _ in range(6)} == {first})
    Moody.ready = True


def states(layout: Layout, service: str) -> set[str]:
    """UP is a replica that the edge takes for ready, DOWN one that it does not."""
    connection = http.client.HTTPConnection("127.0.0.1", layout.port("traefik_api"), timeout=PATIENCE)
    connection.request("GET", f"/api/http/services/{service}-ready@file")
    found: dict[str, str] = json.loads(connection.getresponse().read())["serverStatus"]
    connection.close()
    return set(found.values())


def until(question: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not question():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_where_none_is_ready_one_that_lives_is_asked(edge: Layout) -> None:
    """It has answers that are kept, and says no as the API does."""
    Replica.ready = Moody.ready = False
    try:
        until(lambda: states(edge, "order") == {"DOWN"})
        until(lambda: {get(edge, "/api/v1/orders")[0] for _ in range(6)} == {200})
    finally:
        Replica.ready = Moody.ready = True
    until(lambda: states(edge, "order") == {"UP"})


def test_what_was_sent_is_never_sent_again(edge: Layout) -> None:
    statuses: list[int] = []
    Replica.posts = Moody.posts = 0

    def both_have_one() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", edge.port("edge"), timeout=PATIENCE)
        connection.request("POST", "/api/v1/orders", body=b"{}")
        statuses.append(connection.getresponse().status)
        connection.close()
        return len(statuses) >= 4 and min(Replica.posts, Moody.posts) > 0

    until(both_have_one)
    assert Replica.posts + Moody.posts == len(statuses)
    assert statuses.count(502) == Moody.posts


@pytest.mark.parametrize(
    "path",
    [
        "/livez",
        "/readyz",
        "/metrics",
        "/api/v1/ordersX",
        "/api/v1/orders/../../../livez",
        "/api/v1/orders/%2e%2e/%2e%2e/%2e%2e/metrics",
        "/api/v1/orders/..%2f..%2f..%2fmetrics",
        "//livez",
        "/api/v1/account",
        "/api/http/services",
        "/dashboard/",
    ],
)
def test_nothing_else_of_a_service_can_be_reached(edge: Layout, path: str) -> None:
    assert get(edge, path)[0] in {400, 404}


def test_events_pass_one_by_one(edge: Layout) -> None:
    """The first is here while nothing has been said of the second."""
    Replica.go_on.clear()
    until(lambda: states(edge, "purchase") == {"UP"})
    connection = http.client.HTTPConnection("127.0.0.1", edge.port("edge"), timeout=PATIENCE)
    connection.request("GET", "/api/v1/purchases/1/events")
    answer = connection.getresponse()
    assert answer.readline() == b"id: 0\n"
    Replica.go_on.set()
    answer.readline()
    assert answer.readline() == b"id: 1\n"
    connection.close()


def test_a_head_that_is_too_long_is_cut(edge: Layout) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", edge.port("edge"), timeout=PATIENCE)
    connection.request("GET", "/api/v1/orders", headers={"X-Long": "y" * 2 * traefik.HEAD_BYTES})
    assert connection.getresponse().status == 431
    connection.close()
    assert get(edge, "/api/v1/orders/" + "y" * 2 * traefik.HEAD_BYTES)[0] == 431


@pytest.mark.parametrize(
    "begun", ["GET /api/v1/orders HTTP/1.1\r\nHost: x\r\n", POST + "Content-Length: 9\r\n\r\n{"]
)
def test_a_request_that_does_not_come_to_its_end_is_given_up(edge: Layout, begun: str) -> None:
    with socket.create_connection(("127.0.0.1", edge.port("edge")), timeout=PATIENCE) as client:
        client.sendall(begun.encode())
        while client.recv(1000):
            pass


def test_a_stream_outlives_the_time_that_a_request_has(edge: Layout) -> None:
    """Also on a connection that served before."""
    until(lambda: states(edge, "purchase") == {"UP"})
    connection = http.client.HTTPConnection("127.0.0.1", edge.port("edge"), timeout=PATIENCE)
    connection.request("GET", "/api/v1/orders")
    connection.getresponse().read()
    connection.request("GET", "/api/v1/purchases/long/events")
    lines = connection.getresponse().read().split()
    assert lines[-1] == str(LONG - 1).encode()
    assert LONG * TICK > READ_SECONDS
    connection.close()
