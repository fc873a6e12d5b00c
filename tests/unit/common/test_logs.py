"""What a line of a log says, to programs and to people."""

import json
import logging
import sys
from typing import Any

import pytest

from common.telemetry import context, logs
from common.telemetry.logs import JsonFormatter, TextFormatter, configure_logging, told

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def record(message: str, *values: object, error: BaseException | None = None) -> logging.LogRecord:
    about = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("common.x", logging.ERROR, __file__, 1, message, values, about)


def line(of: logging.LogRecord) -> dict[str, Any]:
    text = JsonFormatter("order").format(of)
    assert "\n" not in text
    known: dict[str, Any] = json.loads(text)
    return known


def test_a_line_is_one_object_with_what_is_known_and_nothing_else() -> None:
    known = line(record('%s said\n"%s"', "Ann", "no"))
    assert known.pop("time").endswith("+00:00")
    assert known == {
        "level": "ERROR",
        "service": "order",
        "logger": "common.x",
        "message": 'Ann said\n"no"',
    }


def test_a_line_names_its_trace_and_its_purchase() -> None:
    with context.within(TRACE, "p1"):
        known = line(record("x"))
    assert (known["trace_id"], known["purchase_id"]) == ("4bf92f3577b34da6a3ce929d0e0e4736", "p1")


def test_an_error_is_told_by_its_kind_and_its_place() -> None:
    try:
        int("no")
    except ValueError as error:
        known = line(record("x", error=error))
    assert known["error"] == "ValueError"
    assert "test_logs.py" in known["stack"]


def test_people_read_the_same_line() -> None:
    of = record("went %s", "well")
    with context.within(TRACE, "p1"):
        text, written = TextFormatter("order").format(of), JsonFormatter("order").format(of)
    assert text.endswith("ERROR order common.x: went well purchase=p1 trace=4bf92f3577b34da6a3ce929d0e0e4736")
    assert told(written) == text
    assert told("[1] 2026 [INF] Starting nats-server") == "[1] 2026 [INF] Starting nats-server"
    assert told('{"level": "info"}') == '{"level": "info"}'


@pytest.mark.parametrize(
    ("form", "is_terminal", "kind"),
    [
        ("auto", True, TextFormatter),
        ("auto", False, JsonFormatter),
        ("json", True, JsonFormatter),
        ("text", False, TextFormatter),
    ],
)
def test_a_terminal_gets_text_unless_it_is_told_otherwise(
    form: logs.Format, is_terminal: bool, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal, raising=False)
    assert type(logs.formatter("order", form)) is kind


def test_libraries_tell_no_details(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    try:
        configure_logging("order", "DEBUG", "json")
        assert logging.getLogger("common.messaging").isEnabledFor(logging.DEBUG)
        assert logging.getLogger("order.handlers").isEnabledFor(logging.DEBUG)
        assert not logging.getLogger("aiosmtplib").isEnabledFor(logging.DEBUG)
    finally:
        root.handlers[:], root.level = before
        logging.captureWarnings(capture=False)
        for name in ("common", "order"):
            logging.getLogger(name).setLevel(logging.NOTSET)
