"""Uvicorn's protocol, with an end to its patience: a head has a length, and a whole request a time.

The edge has the same limits; these hold for whoever gets past it.
"""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from litestar.types import ASGIApp, HTTPScope, Receive, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from common.http.staying import STAY
from common.http.telling import Tell

HEAD_BYTES = 32_768
"""Of the request line and all headers."""
READ_SECONDS = 60.0
"""From a request's first byte, or the connection's, to its last byte. An answer may take for ever."""
LEAST_BYTES = 4 * 2**20
"""What a long body must bring within that time to get as much again, where its handler is patient."""
PATIENCE = "patience"

HEADERS = (
    b"content-type: application/problem+json\r\nx-content-type-options: nosniff\r\n"
    b"cache-control: no-store\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
)


def be_patient(scope: HTTPScope) -> None:
    """For a handler that knows who is calling: the body may take as long as it keeps coming."""
    patient: Callable[[], None] | None = (scope.get("extensions") or {}).get(PATIENCE)  # type: ignore[assignment]  # ours
    if patient:
        patient()


class _TooLong(Exception):
    """Ends the parsing; uvicorn calls `send_400_response` then."""


class Protocol(HttpToolsProtocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        super().connection_made(transport)
        self._refusal = HTTPStatus.BAD_REQUEST
        self._is_in_head = True
        self._head_bytes = 0
        self._is_patient = False
        self._tell: Tell | None = None
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A header that never ends is nowhere but in the parser: what is fed is counted, too."""
        if self._deadline.cancelled():
            self._await_request()
        elif self._is_patient:
            self._count(len(data))
        super().data_received(data)
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head, self._head_bytes = True, 0
        self._is_patient, self._come = False, 0
        self.scope["extensions"] = {PATIENCE: self._be_patient, STAY: self._stay}  # type: ignore[dict-item]  # ours
        self._deadline.cancel()
        self._await_request()

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES:
            self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise _TooLong
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._deadline.cancel()
        super().on_message_complete()

    def send_400_response(self, _msg: str) -> None:
        """What uvicorn answers to a request that it cannot read."""
        self._refuse(self._refusal)

    def _await_request(self) -> None:
        self._deadline = self.loop.call_later(READ_SECONDS, self._give_up)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        super()._start_asgi_task(cycle, partial(self._answer, app, cycle))

    async def _answer(
        self, app: ASGIApp, cycle: RequestResponseCycle, scope: HTTPScope, receive: Receive, send: Send
    ) -> None:
        """The application, and after it what it has left to be told (`common/http/staying.py`)."""
        await app(scope, receive, send)
        if self._tell:
            cycle.disconnected = True  # for uvicorn, this one is over
            if not self.transport.is_closing():
                self._hand_over(self._tell, cycle)
            self._tell = None

    def _stay(self, tell: Tell) -> None:
        self._tell = tell

    def _hand_over(self, tell: Tell, cycle: RequestResponseCycle) -> None:
        """From here on the connection knows nothing of us, and we are forgotten with all that we hold."""
        has_more = cycle.more_body or self.pipeline or not cycle.keep_alive
        then = partial(_go_on, self.config, self.server_state, self.app_state, self.loop)
        telling = tell(self.transport, self.server_state, None if has_more else then)
        self.transport.set_protocol(telling)
        self.connections.discard(self)
        self.flow.resume_reading()
        if self.flow.write_paused:
            telling.pause_writing()
        self._deadline.cancel()
        self.parser = self.cycle = None  # type: ignore[assignment]  # these refer to us, as does the scope
        cycle.scope.clear()  # type: ignore[attr-defined]  # a plain dict

    def rest(self) -> None:
        """Between two requests."""
        self._deadline.cancel()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def _be_patient(self) -> None:
        self._is_patient = True

    def _count(self, come: int) -> None:
        self._come += come
        if self._come >= LEAST_BYTES:
            self._come = 0
            self._deadline.cancel()
            self._await_request()

    def _give_up(self) -> None:
        """A body that does not come: its reader sees the client go."""
        if self._is_in_head and not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        body = json.dumps(_problem(status), separators=(",", ":")).encode()
        self.transport.write(STATUS_LINE[status] + HEADERS % len(body) + body)
        self.transport.close()


def _go_on(
    config: Config,
    state: ServerState,
    app_state: dict[str, Any],
    loop: asyncio.AbstractEventLoop,
    transport: asyncio.Transport,
) -> None:
    """The next request on a connection that a stream has left: for the server it is a new one."""
    fresh = Protocol(config, state, app_state, loop)
    transport.set_protocol(fresh)
    fresh.connection_made(transport)
    fresh.rest()


def _problem(status: HTTPStatus) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "code": status.name.lower(),
    }
