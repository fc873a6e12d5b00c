"""Errors, to whoever collects them by Sentry's protocol: an envelope over HTTP, from a thread of its own.

Own, and short, because the usual library sends what it finds: variables, requests, bodies. Here a report is
what the log says, and where in the code; nothing else is looked at.
"""

import http.client
import logging
import queue
import threading
import time
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec

from common.telemetry import context
from common.telemetry.who import Who

log = logging.getLogger(__name__)

WAITING = 100
"""Reports in memory at most; more are lost."""
SAME_SECONDS = 60.0
"""The same fault is reported once in so long."""
PAUSE_SECONDS = 30.0
"""After a collector that is away, or wants no more."""
SEND_SECONDS = 3.0
FLUSH_SECONDS = 0.5
CLIENT = "shop/1"

_encode = msgspec.json.Encoder(enc_hook=str).encode


class Dsn(NamedTuple):
    """`https://KEY@HOST/PROJECT`, taken apart."""

    is_encrypted: bool
    host: str
    path: str
    key: str

    @classmethod
    def read(cls, text: str) -> "Dsn":
        """Raises ValueError."""
        parts = urlsplit(text)
        folder, _, project = parts.path.rpartition("/")
        if parts.scheme not in {"http", "https"} or not parts.username or not parts.hostname or not project:
            raise ValueError("an error DSN reads https://KEY@HOST/PROJECT")
        host = parts.netloc.rpartition("@")[2]
        return cls(parts.scheme == "https", host, f"{folder}/api/{project}/envelope/", parts.username)


class Reporter(logging.Handler):
    """What is logged as an error, or worse."""

    def __init__(self, dsn: Dsn, who: Who) -> None:
        super().__init__(logging.ERROR)
        self._dsn = dsn
        self._tags = {"service": who.service}
        self._about = {"release": f"shop@{who.version}", "server_name": who.instance}
        self._waiting: queue.Queue[dict[str, Any] | None] = queue.Queue(WAITING)
        self._told: dict[tuple[str, str, str], float] = {}
        self._not_before = 0.0
        self._sender = threading.Thread(target=self._run, name="reports", daemon=True)
        self._sender.start()

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0] if record.exc_info else None
        fault = (record.name, str(record.msg), kind.__name__ if kind else "")
        now = time.monotonic()
        if now - self._told.get(fault, -SAME_SECONDS) < SAME_SECONDS:
            return
        self._told = {each: at for each, at in self._told.items() if now - at < SAME_SECONDS} | {fault: now}
        with suppress(queue.Full):
            self._waiting.put_nowait(self._event(record))

    def close(self) -> None:
        """Waits shortly for what is left to go out."""
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            pass
        else:
            self._sender.join(FLUSH_SECONDS)
        super().close()

    def _event(self, record: logging.LogRecord) -> dict[str, Any]:
        event: dict[str, Any] = {
            "event_id": uuid4().hex,
            "timestamp": datetime.fromtimestamp(record.created, UTC),
            "platform": "python",
            "level": "fatal" if record.levelno >= logging.CRITICAL else "error",
            "logger": record.name,
            "logentry": {"message": str(record.msg), "formatted": record.getMessage()},
            "tags": self._tags | ({"purchase_id": purchase} if (purchase := context.purchase_id()) else {}),
            **self._about,
        }
        if (trace := context.traceparent()) is not None:
            _, trace_id, span_id, _ = trace.split("-")
            event["contexts"] = {"trace": {"trace_id": trace_id, "span_id": span_id}}
        if record.exc_info and record.exc_info[1] is not None:
            event["exception"] = {"values": _chain(record.exc_info[1])}
        return event

    def _run(self) -> None:
        while (event := self._waiting.get()) is not None:
            if time.monotonic() < self._not_before:
                continue
            try:
                status = self._send(event)
            except (OSError, http.client.HTTPException) as error:
                status = 0
                log.warning("error reports are lost: %s", type(error).__name__)
            if status == 0 or status == 429 or status >= 500:
                self._not_before = time.monotonic() + PAUSE_SECONDS

    def _send(self, event: dict[str, Any]) -> int:
        body = b"\n".join(
            [_encode({"event_id": event["event_id"]}), _encode({"type": "event"}), _encode(event), b""]
        )
        kind = http.client.HTTPSConnection if self._dsn.is_encrypted else http.client.HTTPConnection
        connection = kind(self._dsn.host, timeout=SEND_SECONDS)
        try:
            connection.request("POST", self._dsn.path, body, _headers(self._dsn.key))
            return connection.getresponse().status
        finally:
            connection.close()


def _headers(key: str) -> dict[str, str]:
    auth = f"Sentry sentry_version=7, sentry_client={CLIENT}, sentry_key={key}"
    return {"Content-Type": "application/x-sentry-envelope", "X-Sentry-Auth": auth}


def _chain(error: BaseException) -> list[dict[str, Any]]:
    """The oldest cause first."""
    found: list[dict[str, Any]] = []
    each: BaseException | None = error
    while each is not None and len(found) < 5:
        found.append(
            {
                "type": type(each).__name__,
                "module": type(each).__module__,
                "value": str(each),
                "stacktrace": {"frames": _frames(each)},
            }
        )
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return found[::-1]


def _frames(error: BaseException) -> list[dict[str, Any]]:
    """Files, lines and names of functions; no variable, no line of a file."""
    summary = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), lookup_lines=False)
    return [
        {
            "filename": frame.filename,
            "function": frame.name,
            "lineno": frame.lineno,
            "in_app": _is_ours(frame.filename),
        }
        for frame in summary
    ]


def _is_ours(filename: str) -> bool:
    return "site-packages" not in filename and "/lib/python" not in filename


def report_errors(dsn: str, who: Who) -> None:
    """From now on in this process, whatever logs them; nothing without a DSN. Raises ValueError."""
    if dsn:
        logging.getLogger().addHandler(Reporter(Dsn.read(dsn), who))
