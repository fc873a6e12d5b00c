"""A history in set-based SQL: the rows of a few samples, each time of another day and another customer.

What a purchase leaves behind is copied and not invented: a column, an event or a word more is in the history
as soon as the samples have it.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from importlib import import_module
from typing import Any, NamedTuple

from sqlalchemy import Column, DateTime, MetaData, Table

from deploy.bench.past import Past
from deploy.bench.samples import Samples

SAMPLED = """
SELECT created_at, last_seq FROM purchases WHERE id = ANY($1) ORDER BY array_position($1::uuid[], id)
"""

COPY = """
WITH t AS MATERIALIZED (
  SELECT *, ({key})::text::uuid AS sampled FROM {table} WHERE ({key})::text = ANY('{{{samples}}}'::text[])
)
INSERT INTO {table} ({columns})
SELECT {values} FROM history h JOIN t ON t.sampled = h.sample WHERE {where} ORDER BY {order}
"""
# The ledger of each product goes on from the line with which its stock began.
MOVE = """
WITH t AS MATERIALIZED (
  SELECT * FROM stock_movements WHERE purchase_id = ANY('{{{samples}}}'::uuid[])
), moves AS (
  SELECT n, id, version, {product} AS product_id, kind, change, moved_at + shift AS moved_at
  FROM history h JOIN t ON t.purchase_id = h.sample
), made AS (
  INSERT INTO stock_movements (product_id, version, position, kind, change, available, purchase_id, moved_at)
  SELECT product_id, stock.version + row_number() OVER line, 1, kind, change,
         stock.available + sum(change) OVER line, id, moved_at
  FROM moves JOIN stock USING (product_id)
  WINDOW line AS (PARTITION BY product_id ORDER BY n, moves.version ROWS UNBOUNDED PRECEDING) ORDER BY n
  RETURNING product_id, change
)
UPDATE stock SET available = available + moved, version = version + lines
FROM (SELECT product_id, sum(change) AS moved, count(*) AS lines FROM made GROUP BY 1) AS sums
WHERE stock.product_id = sums.product_id
"""
BORN = """
UPDATE stock_movements SET moved_at = '{first}' WHERE version = 1 AND product_id = ANY('{{{products}}}')
"""
MONTHS = """
DO $$ DECLARE month timestamp; child text; BEGIN
  FOR month IN SELECT generate_series(date_trunc('month', timestamptz '{first}' AT TIME ZONE 'utc'),
                                      now() AT TIME ZONE 'utc', interval '1 month') LOOP
    child := 'stock_movements_' || to_char(month, 'YYYYMM');
    IF to_regclass(child) IS NULL THEN
      EXECUTE format('CREATE TABLE %I PARTITION OF stock_movements FOR VALUES FROM (%L) TO (%L)',
                     child, month AT TIME ZONE 'utc', (month + interval '1 month') AT TIME ZONE 'utc');
    END IF;
  END LOOP;
END $$
"""
FEEDS = """
INSERT INTO account_feed (account_id, last_seq)
SELECT account_id, count(*) FROM purchase_event WHERE account_id = ANY($1::uuid[]) GROUP BY 1
"""
CUSTOMERS = """
INSERT INTO {table} ({columns})
SELECT {values} FROM {table} AS t, unnest($1::uuid[]) WITH ORDINALITY AS c (id, n)
WHERE t.{key} = '{customer}'
"""

AT = "t.data::jsonb ->> 'at'"
THEN = f"to_char((({AT})::timestamptz + h.shift) AT TIME ZONE 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
SAID_ON = "((t.created_at + h.shift) AT TIME ZONE 'utc')::date"
TODAY = "(now() AT TIME ZONE 'utc')::date"


class Copied(NamedTuple):
    """A table, what of a row names the purchase, and what is another thing in a copy than in its sample."""

    table: str
    key: str
    changed: Mapping[str, str]
    where: str = "true"
    order: str = "h.n"


class Renamed(NamedTuple):
    """Expressions with purchase, customer and products of the history for those of the sample."""

    samples: Samples

    def text(self, said: str) -> str:
        first, second = self.samples.bought
        named = f"replace({said}, h.sample::text, h.id::text)"
        for old, new in ((self.samples.customer, "account_id"), (first, "first"), (second, "second")):
            named = f"replace({named}, '{old}', h.{new}::text)"
        return named

    def json(self, column: str) -> str:
        return f"({self.text(f't.{column}::text')})::jsonb"

    @property
    def product(self) -> str:
        first, second = self.samples.bought
        known = f"WHEN '{first}' THEN h.first WHEN '{second}' THEN h.second"
        return f"CASE t.product_id {known} ELSE t.product_id END"


def tables(service: str, named: Renamed) -> Iterator[Copied]:
    """What a purchase leaves in this database; inbox and outbox as far back as they are kept."""
    own = {"id": "h.id", "account_id": "h.account_id"}
    match service:
        case "purchase":
            changed = {"issued_on": "h.day", "items": named.json("items"), "idempotency_key": "h.id::text"}
            yield Copied("purchases", "id", own | changed)
            data = f"replace({named.text('t.data')}, {AT}, {THEN})"
            changed = {"purchase_id": "h.id", "account_seq": "h.told + t.seq", "data": data}
            yield Copied("purchase_event", "purchase_id", own | changed, order="h.n, t.seq")
        case "product":
            changed = {"purchase_id": "h.id", "items": named.json("items")}
            yield Copied("reservations", "purchase_id", changed)
        case "order":
            yield Copied("orders", "id", own)
            changed = {"order_id": "h.id", "product_id": named.product}
            yield Copied("order_lines", "order_id", changed, order="h.n, t.line")
        case "payment":
            yield Copied("payments", "id", own)
        case "mail":
            yield Copied("mails", "about", {"about": "h.id"})
    changed = {"issued_on": "h.day", "message_id": named.text("t.message_id")}
    key = "split_part(message_id, ':', 2)"
    yield Copied("inbox", key, changed, f"h.day >= {TODAY} - 7")
    changed = {name: named.text(f"t.{name}") for name in ("message_id", "correlation_id", "causation_id")}
    said = named.text("convert_from(t.payload, 'utf8')")
    dated = f'regexp_replace({said}, \'"issued_on":"[^"]*"\', \'"issued_on":"\' || h.day || \'"\')'
    changed |= {"payload": f"convert_to({dated}, 'utf8')", "created_on": SAID_ON}
    yield Copied("outbox", "correlation_id", changed, f"{SAID_ON} >= {TODAY} - 2", "h.n, t.position")


def copy(service: str, copied: Copied, samples: Samples) -> str:
    """One statement for the whole table."""
    table = metadata(service).tables[copied.table]
    values = {
        column.name: copied.changed.get(column.name) or same(column)
        for column in table.columns
        if column.name != "position"  # of an outbox, given by its sequence
    }
    return COPY.format(
        key=copied.key,
        table=copied.table,
        samples=",".join(map(str, samples.purchases)),
        columns=", ".join(values),
        values=", ".join(values.values()),
        where=copied.where,
        order=copied.order,
    )


def dense(*, is_over: bool) -> str:
    """Reservations are inserted small and grow; copies are inserted as large as they will be."""
    room = metadata("product").tables["reservations"].dialect_options["postgresql"]["with"]["fillfactor"]
    return f"ALTER TABLE reservations SET (fillfactor = {room if is_over else 90})"


def same(column: Column[Any]) -> str:
    """As in the sample, so much later."""
    return f"t.{column.name}" + " + h.shift" * isinstance(column.type, DateTime)


def moved(past: Past) -> Iterator[str]:
    """Through the ledger of the stock, which begins before them."""
    samples = past.samples
    first = past.first - timedelta(seconds=1)
    yield MONTHS.format(first=first)
    yield BORN.format(first=first, products=",".join(map(str, samples.products)))
    yield MOVE.format(samples=",".join(map(str, samples.purchases)), product=Renamed(samples).product)


def customers(service: str, samples: Samples) -> Iterator[str]:
    """Everywhere where somebody is known: `$1` are like the customer of the samples, under other names."""
    for name, key in (
        ("accounts", "id" if service == "account" else "account_id"),
        ("account_state", "account_id"),
    ):
        table = metadata(service).tables.get(name)
        if table is not None:
            yield known(table, key, samples)


def known(table: Table, key: str, samples: Samples) -> str:
    changed = {
        key: "c.id",
        "email": "format('history.%s@example.com', c.n)",
        "phone_number": "format('+999%s', lpad(c.n::text, 9, '0'))",
    }
    values = {column.name: changed.get(column.name, f"t.{column.name}") for column in table.columns}
    return CUSTOMERS.format(
        table=table.name,
        columns=", ".join(values),
        values=", ".join(values.values()),
        key=key,
        customer=samples.customer,
    )


def metadata(service: str) -> MetaData:
    found: MetaData = import_module(f"{service}.tables").METADATA
    return found
