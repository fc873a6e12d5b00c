"""Statements in traces: what the database was asked and how long it took, never with which values."""

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

from asyncpg.connection import LoggedQuery
from asyncpg.pool import PoolConnectionProxy
from opentelemetry.trace import SpanKind

from common.telemetry import context, spans

WRITES = re.compile(
    r"\b(INSERT\s+INTO|DELETE\s+FROM|(?<!FOR )UPDATE)\s+(?!SET\b|SKIP\b)([a-z_]+)\b", re.IGNORECASE
)
READS = re.compile(r"\bFROM\s+([a-z_]+)\b(?!\s*\()", re.IGNORECASE)


OF_THE_DRIVER = ("typeinfo_tree", "current_setting('jit')")
"""In what asyncpg asks by itself, while a statement waits: what kinds of values there are."""


class Done(NamedTuple):
    """A statement, when it was told of, and how long it took; nanoseconds."""

    heard: int
    lasted: int
    query: str
    error: BaseException | None


def traced(connection: "PoolConnectionProxy[Any]") -> AbstractContextManager[None]:
    """While a trace that is recorded has it, its statements are spans; BEGIN and COMMIT, too."""
    trace = context.traceparent()
    return _traced(connection, trace) if trace and spans.is_recorded(trace) else spans.NOTHING


@contextmanager
def _traced(connection: "PoolConnectionProxy[Any]", trace: str) -> Iterator[None]:
    done: list[Done] = []
    ended = spans.end_of_current()

    def hear(query: LoggedQuery) -> None:
        if not any(each in query.query for each in OF_THE_DRIVER):
            done.append(Done(time.time_ns(), int(1e9 * query.elapsed), query.query, query.exception))

    def tell() -> None:
        for began, each in placed(done, ended() or time.time_ns()):
            _tell(trace, began, each)

    connection.add_query_logger(hear)
    try:
        yield
    finally:
        connection.remove_query_logger(hear)
        asyncio.get_running_loop().call_soon(tell)  # the driver tells of the last one before that


def placed(done: Sequence[Done], limit: int) -> list[tuple[int, Done]]:
    """When each began. The driver tells how long it took, but not at once: it ended before the next began."""
    found = []
    for each in reversed(done):
        limit = min(each.heard, limit) - each.lasted
        found.append((limit, each))
    return found[::-1]


def _tell(trace: str, began: int, done: Done) -> None:
    attributes = {
        "db.system.name": "postgresql",
        "db.query.text": done.query,
        "db.query.summary": summary(done.query),
    }
    span = spans.Span(summary(done.query), trace, SpanKind.CLIENT, attributes, at=began)
    if done.error is not None:
        span.fail(getattr(done.error, "sqlstate", None) or type(done.error).__name__)
    span.end(began + done.lasted)


@lru_cache(512)
def summary(statement: str) -> str:
    """What it does, and to which table: `INSERT outbox`."""
    if found := WRITES.search(statement):
        return f"{found[1].split()[0].upper()} {found[2]}"
    verb = statement.split(None, 1)[0].strip(";").upper() if statement.strip() else "nothing"
    found = READS.search(statement)
    return f"SELECT {found[1]}" if found else verb
