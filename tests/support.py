"""What tests of several services need: waiting with a deadline, ports, tokens, a service in this loop."""

import asyncio
import inspect
import json
import os
import random
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar, overload
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from common.http.claims import ALGORITHM
from common.http.server import Server
from common.ids import new_id
from common.main import Opener, Role, run
from common.settings import Settings

T = TypeVar("T")
S = TypeVar("S", bound=Settings)


@overload
async def eventually(
    question: Callable[[], Awaitable[T]], *, seconds: float = 30.0, every: float = 0.02
) -> T: ...
@overload
async def eventually(question: Callable[[], T], *, seconds: float = 30.0, every: float = 0.02) -> T: ...
async def eventually(question: Callable[[], Any], *, seconds: float = 30.0, every: float = 0.02) -> Any:
    """The first true answer; an AssertionError inside counts as not yet. Raises AssertionError."""
    deadline = time.monotonic() + seconds
    while True:
        last: object
        try:
            answer = question()
            last = await answer if inspect.isawaitable(answer) else answer
            if last:
                return last
        except AssertionError as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"still {last!r} after {seconds} s")
        await asyncio.sleep(every)


def worker() -> slice:
    """Of whatever this process may take without meeting the others of the same run."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return slice(number, None, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def free_port() -> int:
    """None that Linux gives to outgoing connections: one of them may take it before its owner listens."""
    while True:
        port = random.choice(range(61_000, 65_536)[worker()])
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@asynccontextmanager
async def running(settings: S, program: Opener[S], role: Role = Role.ALL) -> AsyncIterator[str]:
    """The real service in this event loop, on `settings.port`; yields its base URL, then stops it gently."""
    async with program(settings, role) as opened:
        server = Server(settings, opened)
        serving = asyncio.ensure_future(run(server, settings, opened, role))
        try:
            await eventually(lambda: server.started or serving.done())
            yield f"http://127.0.0.1:{settings.port}"
        finally:  # what the service itself raises comes out here
            server.stop()
            await serving


class Issuer:
    """Signs access tokens as the account service would, and serves the public key."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.kid = "test"
        public = OKPAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        body = json.dumps({"keys": [{**public, "kid": self.kid, "alg": ALGORITHM, "use": "sig"}]}).encode()

        class Keys(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
        self.jwks_url = f"http://127.0.0.1:{self._server.server_port}/jwks"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def token(
        self, account_id: UUID, *, role: str = "customer", verified: bool = True, **changed: Any
    ) -> str:
        """`changed` replaces claims; one set to None is left out."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": "shop",
            "aud": "shop",
            "sub": str(account_id),
            "sid": str(new_id()),
            "jti": str(uuid4()),
            "iat": now,
            "exp": now + 600,
            "use": "access",
            "ver": 1,
            "role": role,
            "verified": verified,
        }
        kept = {name: value for name, value in (claims | changed).items() if value is not None}
        return jwt.encode(kept, self.key, algorithm=ALGORITHM, headers={"kid": self.kid})

    def headers(self, account_id: UUID, *, role: str = "customer", verified: bool = True) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(account_id, role=role, verified=verified)}"}
