"""No statement of a service looks through a table that grows: whatever is in it, an index leads to the rows.

With sequential scans forbidden a plan shows whether there is an index at all. An index that is read whole
would be no better: it is entered by a condition, or has only what is still open, or is left after a page.
"""

import json
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import pytest

from account.repository import administration
from common.messaging import depths, trail
from deploy.embedded.layout import WITH_DATABASE
from order.repository import TOTAL_OF_ALL
from tests.integration.privileges.test_rows import NO_STATEMENTS, statements

GROWING = {
    "account": {"accounts", "sessions", "refresh_tokens", "codes", "account_changes"},
    "product": {"products", "stock", "stock_movements", "reservations", "categories"},
    "order": {"orders", "order_lines", "accounts"},
    "payment": {"payments"},
    "purchase": {"purchases", "purchase_event", "account_feed"},
    "media": {"media", "products"},  # what is staged expires within the hour
    "mail": {"mails", "accounts"},
}
IN_ALL = {"inbox", "outbox", "account_state", "ended_session", "dead_letter", "dead_letter_trail", "suspect"}

OF_WHAT_IS_OPEN = {
    "ix_outbox_unpublished",
    "ix_purchases_pending_deadline",
    "ix_purchases_pending_account",
    "ix_purchases_unsettled",
    "ix_payments_next_call_at",
    "ix_mails_due",
    "ix_mails_expiring",
    "ix_mails_parked",
    "ix_media_due_at",
    "ix_dead_letter_trail_end",
}
"""Partial: what is over is not in them."""

LOOKS_AT_ALL = {administration.COUNT, administration.LOCK, TOTAL_OF_ALL, trail.COUNT, depths.WAITING}
"""For administrators and operators: how many accounts, orders and letters there are, and who administers."""

EXPLAIN = """
DO $do$ DECLARE told text; BEGIN
  EXECUTE $explain$EXPLAIN (GENERIC_PLAN, FORMAT JSON) {statement}$explain$ INTO told;
  PERFORM set_config('shop.plan', told, false);
END $do$
"""
"""Without values for the parameters, which the driver would ask for."""


def nodes(
    plan: dict[str, Any], above: tuple[str, ...] = ()
) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """Every node of a plan, and the types of those that it feeds, from the top."""
    yield plan, above
    for child in plan.get("Plans", ()):
        yield from nodes(child, (*above, plan["Node Type"]))


def table_of(node: dict[str, Any], indexed: Mapping[str, str]) -> str:
    """A partition counts as its table."""
    name = node.get("Relation Name") or indexed.get(node.get("Index Name", ""), "")
    return str(name).rstrip("0123456789").rstrip("_")


def is_piece(statement: str, known: Collection[str]) -> bool:
    """Others begin with it: it is never said by itself."""
    return any(each != statement and each.strip().startswith(statement.strip()) for each in known)


def is_bounded(node: dict[str, Any], above: tuple[str, ...]) -> bool:
    """Whether what it reads does not grow with its table."""
    if node["Node Type"] == "Seq Scan":
        return False
    if "Index Name" not in node or "Index Cond" in node:
        return True
    is_open = node["Index Name"] in OF_WHAT_IS_OPEN or node["Index Name"].endswith("_created_at_idx")
    return is_open or until_a_page_is_full(above)


def until_a_page_is_full(above: tuple[str, ...]) -> bool:
    """In the order of the index, to a limit: nothing between the two wants all rows first."""
    if "Limit" not in above:
        return False
    behind = above[len(above) - above[::-1].index("Limit") :]
    return not {"Sort", "Aggregate", "Hash", "WindowAgg"} & set(behind)


async def unbounded(connection: "asyncpg.Connection[asyncpg.Record]", service: str, asked: str) -> list[str]:
    """What the statement reads more of, the longer the shop is there."""
    await connection.execute(EXPLAIN.format(statement=asked))
    told = await connection.fetchval("SELECT current_setting('shop.plan')")
    rows = await connection.fetch("SELECT indexname, tablename FROM pg_indexes")
    indexed = {row["indexname"]: row["tablename"] for row in rows}
    return [
        f"{node['Node Type']} of {table_of(node, indexed)}: {asked.strip()[:80]}"
        for node, above in nodes(json.loads(told)[0]["Plan"])
        if table_of(node, indexed) in GROWING[service] | IN_ALL and not is_bounded(node, above)
    ]


@asynccontextmanager
async def without_scans(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(url)
    await connection.execute("SET enable_seqscan = off; SET jit = off")
    yield connection
    await connection.close()


@pytest.mark.parametrize("service", WITH_DATABASE)
async def test_every_statement_is_led_by_an_index(service: str, database: Callable[[str], str]) -> None:
    known = {*statements(service)} - LOOKS_AT_ALL
    found, asked = [], 0
    async with without_scans(database(service)) as connection:
        for statement in known:
            if not is_piece(statement, known):
                with suppress(*NO_STATEMENTS):
                    found += await unbounded(connection, service, statement)
                    asked += 1
    assert asked > 15
    assert found == []


async def test_whoever_looks_at_everything_is_noticed(database: Callable[[str], str]) -> None:
    async with without_scans(database("purchase")) as connection:
        for statement in (
            "SELECT FROM purchases WHERE settled_at IS NULL",
            "SELECT count(*) FROM purchases",
            "SELECT max(id::text) FROM purchases",
            "SELECT id FROM purchases ORDER BY created_at LIMIT 5",
            "SELECT subject FROM outbox WHERE created_at > now() - $1::interval",
        ):
            assert await unbounded(connection, "purchase", statement) != [], statement
        for statement in (
            "SELECT id FROM purchases ORDER BY id DESC LIMIT 5",
            "SELECT FROM purchases WHERE next_drive_at IS NOT NULL",
            "SELECT FROM purchase_event WHERE purchase_id = $1",
        ):
            assert await unbounded(connection, "purchase", statement) == [], statement
