"""When a history happened, and to whom: one temporary table, the same in every database.

Ids are computed, so that all databases agree on them without telling each other.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from deploy.bench.samples import Samples

SELDOM = 50
"""One of so many purchases is declined, one finds too little in stock."""

# `shift` is how much later it is than its sample, `told` how many events its customer had before it. The id
# is a UUIDv7 of its time. Neighbours have other customers and other pairs of products.
NUMBERED = """
CREATE TEMP TABLE history (
  n bigint PRIMARY KEY, id uuid, sample uuid, account_id uuid, first uuid, second uuid, shift interval,
  day date, told bigint
) ON COMMIT DROP
"""
NUMBER = """
WITH samples AS (
  SELECT * FROM unnest($5::uuid[], $6::timestamptz[], $7::int[]) WITH ORDINALITY
    AS samples (sample, sampled_at, events, kind)
), numbered AS (
  SELECT n, $2::timestamptz + n * $3::interval AS at, md5(n::text) AS chance,
         CASE n % $8::bigint WHEN 0 THEN 2 WHEN $8 / 2 THEN 3 ELSE 1 END AS kind,
         1 + n % cardinality($4::uuid[]) AS customer, 1 + n % cardinality($9::uuid[]) AS first,
         1 + (n + 1 + n / cardinality($9) % (cardinality($9) - 1)) % cardinality($9) AS second
  FROM generate_series(0, $1::bigint - 1) AS n
)
INSERT INTO history
SELECT n,
       overlay(overlay(lpad(to_hex((1000 * extract(epoch FROM at))::bigint), 12, '0') || left(chance, 20)
         PLACING '7' FROM 13) PLACING '8' FROM 17)::uuid,
       sample, $4[customer], $9[first], $9[second], at - sampled_at, (at AT TIME ZONE 'utc')::date,
       sum(events) OVER (PARTITION BY customer ORDER BY n) - events
FROM numbered JOIN samples USING (kind) ORDER BY n
"""

# As long as `maintain_partitions()` leaves them.
DAYS = """
SELECT make_partition(parent, (now() AT TIME ZONE 'utc')::date - ago)
FROM (VALUES ('inbox', 7), ('outbox', 2)) AS kept (parent, most), generate_series(0, most) AS ago
"""


@dataclass(frozen=True)
class Past:
    """`customers` exist in it alone."""

    samples: Samples
    count: int
    first: datetime
    step: timedelta
    customers: list[UUID]


async def number(
    connection: "asyncpg.Connection[asyncpg.Record]", past: Past, sampled: list[asyncpg.Record]
) -> None:
    """Makes the table `history`, until the transaction ends. `sampled`: since when, and how many events."""
    await connection.execute(NUMBERED)
    await connection.execute(
        NUMBER,
        past.count,
        past.first,
        past.step,
        past.customers,
        list(past.samples.purchases),
        [each["created_at"] for each in sampled],
        [each["last_seq"] for each in sampled],
        SELDOM,
        list(past.samples.products),
    )
    await connection.execute("ANALYZE history")
