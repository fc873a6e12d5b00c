"""`python -m deploy.compose.edge`: tells Traefik, whenever it asks, which replicas there are of each service.

The engine's DNS knows all of them. A bare name in Traefik's file would be looked up once per connection:
uneven shares, and no telling which replica is ready. The engine's socket tells as much, but whoever has it
has the machine.
"""

import json
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, HTTPServer

from deploy.compose.settings import PORT
from deploy.embedded import traefik

Addresses = Callable[[str], set[str]]


class Replicas:
    """A newcomer is named once it is ready; from then on Traefik's own health checks decide."""

    def __init__(self, addresses: Addresses, port: int = PORT) -> None:
        self._addresses = addresses
        self._port = port
        self._named: dict[str, set[str]] = {}

    def now(self) -> dict[str, list[str]]:
        """Service -> host:port of each replica, in an order that does not change by itself."""
        for service in traefik.PREFIXES:
            there = self._addresses(service)
            known = self._named.get(service, set()) & there
            self._named[service] = known | self._ready(there - known)
        return {
            service: [f"{host}:{self._port}" for host in sorted(hosts)]
            for service, hosts in self._named.items()
        }

    def _ready(self, newcomers: Iterable[str]) -> set[str]:
        with ThreadPoolExecutor() as pool:
            asked = list(newcomers)
            return {host for host, ready in zip(asked, pool.map(self._is_ready, asked), strict=True) if ready}

    def _is_ready(self, host: str) -> bool:
        connection = HTTPConnection(host, self._port, timeout=1)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


def by_name(service: str) -> set[str]:
    """The engine's answer; none while nothing runs under the name."""
    try:
        found = socket.getaddrinfo(service, None, family=socket.AF_INET, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return set()
    return {str(address[0]) for *_, address in found}


def server(address: tuple[str, int], replicas: Replicas) -> HTTPServer:
    """Answers every GET with Traefik's dynamic configuration."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(traefik.routes(replicas.now())).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Once a second is too often to be told."""

    return HTTPServer(address, Handler)


if __name__ == "__main__":
    server(("", PORT), Replicas(by_name)).serve_forever()
