"""Statements in traces: what the database was asked and how long it took, never with which values."""

import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import Any

from asyncpg.connection import LoggedQuery
from asyncpg.pool import PoolConnectionProxy
from opentelemetry.trace import SpanKind

from common.telemetry import context, spans

WRITES = re.compile(
    r"\b(INSERT\s+INTO|DELETE\s+FROM|(?<!FOR )UPDATE)\s+(?!SET\b|SKIP\b)([a-z_]+)\b", re.IGNORECASE
)
READS = re.compile(r"\bFROM\s+([a-z_]+)\b(?!\s*\()", re.IGNORECASE)


def traced(connection: "PoolConnectionProxy[Any]") -> AbstractContextManager[None]:
    """While a trace that is recorded has it, its statements are spans; BEGIN and COMMIT, too."""
    trace = context.traceparent()
    return _traced(connection, trace) if trace and spans.is_recorded(trace) else spans.NOTHING


@contextmanager
def _traced(connection: "PoolConnectionProxy[Any]", trace: str) -> Iterator[None]:
    ended = spans.end_of_current()

    def tell(done: LoggedQuery) -> None:
        """The driver tells a moment later: not longer than what it was asked for."""
        end = ended() or time.time_ns()
        _tell(trace, done, end)

    connection.add_query_logger(tell)
    try:
        yield
    finally:
        connection.remove_query_logger(tell)


def _tell(trace: str, done: LoggedQuery, end: int) -> None:
    attributes = {
        "db.system.name": "postgresql",
        "db.query.text": done.query,
        "db.query.summary": summary(done.query),
    }
    began = end - int(1e9 * done.elapsed)
    span = spans.begin(summary(done.query), trace, SpanKind.CLIENT, attributes, at=began)
    if done.exception is not None:
        state = getattr(done.exception, "sqlstate", None)
        spans.failed(span, state or type(done.exception).__name__)
    span.end(end)


@lru_cache(512)
def summary(statement: str) -> str:
    """What it does, and to which table: `INSERT outbox`."""
    if found := WRITES.search(statement):
        return f"{found[1].split()[0].upper()} {found[2]}"
    verb = statement.split(None, 1)[0].strip(";").upper() if statement.strip() else "nothing"
    found = READS.search(statement)
    return f"SELECT {found[1]}" if found else verb
