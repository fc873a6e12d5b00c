"""`./just dlq serve`: the desk as a page and an API of this machine, for as long as it is wanted."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn
from litestar import Litestar, Response, get
from litestar.types import ControllerRouterHandler

from common.http import app
from common.http.outward import Outward
from common.settings import Settings
from deploy.letters.desk import Desk
from deploy.letters.door import Accounts
from deploy.letters.routes import ROUTES

FOLDER = Path(__file__).with_name("static")
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
BODY = 6 * 65_536
"""An edited payload, each of whose bytes JSON may write as six."""


def create(desk: Desk, accounts: Accounts) -> Litestar:
    """Guarded like every service; who calls, account is asked."""
    state = {"verifier": accounts, "accounts": accounts, "desk": desk}
    return app.create(
        "letters", ROUTES, state=state, needed={}, reported={}, body_limit=BODY, pages=[*_pages()]
    )


def _pages() -> list[ControllerRouterHandler]:
    """The page, and the two files that it is made of besides."""
    return [_page("/", "letters.html"), *(_page(f"/{name}", name) for name in ("letters.js", "letters.css"))]


def _page(path: str, name: str) -> ControllerRouterHandler:
    file = FOLDER / name
    body = file.read_bytes()

    @get(path, include_in_schema=False, name=name)
    async def show() -> Response[bytes]:
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
        return Response(body, media_type=TYPES[file.suffix], headers=headers)

    return show


def bound(host: str, port: int) -> socket.socket:
    """Raises OSError. Port 0: one that is free."""
    return socket.create_server((host, port))


def server(desk: Desk, accounts: Accounts, host: str, port: int) -> uvicorn.Server:
    outward = Settings(service="letters", host=host, port=port, nats_url="-")
    served = Outward(create(desk, accounts), outward)
    return uvicorn.Server(uvicorn.Config(served, log_config=None, access_log=False, server_header=False))


async def serve(desk: Desk, listening: socket.socket, accounts: str, say: Callable[[str], Any]) -> None:
    """Until Ctrl-C. `accounts`: where sign-ins are asked for."""
    host, port = listening.getsockname()[:2]
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        say(f"http://{host}:{port}/ for administrators of the shop at {accounts}; Ctrl-C ends it")
        await server(desk, Accounts(accounts, session), host, port).serve(sockets=[listening])
