"""Logs: one JSON object per line for programs, one readable line for a terminal.

Each says of which service, trace and purchase it is, where that is known.
"""

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from common.telemetry import context

Format = Literal["auto", "json", "text"]

LIBRARIES_AT_LEAST = logging.INFO
"""Details of what libraries send and receive would tell secrets."""

_encode = msgspec.json.Encoder(enc_hook=str).encode


class Line(msgspec.Struct, omit_defaults=True):
    """As it is written; what is not known is left out."""

    time: str
    level: str
    service: str
    logger: str
    message: str
    trace_id: str | None = None
    purchase_id: str | None = None
    error: str | None = None
    """The kind of the exception, for counting."""
    stack: str | None = None


_decode = msgspec.json.Decoder(Line).decode


class JsonFormatter(logging.Formatter):
    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service

    def format(self, record: logging.LogRecord) -> str:
        return _encode(self.line(record)).decode()

    def line(self, record: logging.LogRecord) -> Line:
        kind = record.exc_info[0] if record.exc_info else None
        return Line(
            time=datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            level=record.levelname,
            service=self.service,
            logger=record.name,
            message=record.getMessage(),
            trace_id=context.trace_id(),
            purchase_id=context.purchase_id(),
            error=kind.__name__ if kind else None,
            stack=self.formatException(record.exc_info) if record.exc_info else None,
        )


class TextFormatter(JsonFormatter):
    def format(self, record: logging.LogRecord) -> str:
        return readable(msgspec.to_builtins(self.line(record)))


def readable(line: Mapping[str, Any]) -> str:
    """What a line holds, in one that is read."""
    about = "".join(f" {name[:-3]}={line[name]}" for name in ("purchase_id", "trace_id") if name in line)
    stack = f"\n{line['stack']}" if "stack" in line else ""
    head = f"{line['time'][11:23]} {line['level']} {line['service']} {line['logger']}"
    return f"{head}: {line['message']}{about}{stack}"


def told(written: str) -> str:
    """A line of a log, for people, whoever wrote it."""
    if not written.startswith("{"):
        return written
    try:
        return readable(msgspec.to_builtins(_decode(written)))
    except msgspec.DecodeError:
        return written


def formatter(service: str, form: Format) -> JsonFormatter:
    """By itself: text for a terminal."""
    is_text = form == "text" or (form == "auto" and sys.stderr.isatty())
    return TextFormatter(service) if is_text else JsonFormatter(service)


def configure_logging(service: str, level: str, form: Format = "auto") -> None:
    """To the standard error. `level` is for what is ours."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(service, form))
    wanted = logging.getLevelName(level.upper())
    logging.basicConfig(level=max(wanted, LIBRARIES_AT_LEAST), handlers=[handler], force=True)
    for ours in ("common", service):
        logging.getLogger(ours).setLevel(wanted)
    logging.captureWarnings(capture=True)
    sys.excepthook = _ended


def _ended(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """What nobody caught is a line like any other."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        logging.getLogger("common.main").critical("ended by an error", exc_info=(kind, error, trace))
