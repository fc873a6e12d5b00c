"""Commands to the real consumer, what it answers, and the books of stock."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import nats

from common.contracts.message import Message, subject
from common.messaging.codec import encode
from tests.integration.product.conftest import Shop
from tests.support import eventually

# Protocol I2: what the sellers put in is on the shelf or reserved, at any moment.
LEAK = """
SELECT product_id FROM stock LEFT JOIN (
  SELECT (item ->> 'product_id')::uuid AS product_id, sum((item ->> 'quantity')::bigint) AS units
  FROM reservations, jsonb_array_elements(items) AS item WHERE status = 'DONE' GROUP BY 1
) AS reserved USING (product_id)
WHERE received <> available + coalesce(units, 0)
"""


# The ledger: each line goes on from the one before, the last one is what there is; the lines of sellers are
# what was received, those of a purchase what its reservation holds.
UNEXPLAINED = """
WITH lines AS (
  SELECT *, lag(available, 1, 0::bigint) OVER ledger AS before FROM stock_movements
  WINDOW ledger AS (PARTITION BY product_id ORDER BY version, position)
), sums AS (
  SELECT product_id, sum(change) AS available, sum(change) FILTER (WHERE purchase_id IS NULL) AS received
  FROM lines GROUP BY product_id
), moved AS (
  SELECT product_id, purchase_id, -sum(change) AS units FROM lines WHERE purchase_id IS NOT NULL GROUP BY 1, 2
), reserved AS (
  SELECT (item ->> 'product_id')::uuid AS product_id, purchase_id, (item ->> 'quantity')::bigint AS units
  FROM reservations, jsonb_array_elements(items) AS item WHERE status = 'DONE'
)
SELECT product_id FROM lines WHERE available <> before + change
UNION ALL SELECT product_id FROM stock LEFT JOIN sums USING (product_id)
  WHERE (stock.available, stock.received) IS DISTINCT FROM (sums.available, sums.received)
UNION ALL SELECT product_id FROM stock s WHERE version <> (
  SELECT count(DISTINCT version) FROM lines WHERE product_id = s.product_id)
UNION ALL SELECT product_id FROM moved FULL JOIN reserved USING (product_id, purchase_id)
  WHERE coalesce(moved.units, 0) <> coalesce(reserved.units, 0)
"""


async def tell(shop: Shop, commands: Sequence[Message], *, again: int = 0) -> None:
    """Publishes as the relay does, then `again` times without the id, so that the stream takes the copies."""
    client = await nats.connect(shop.nats_url)
    js = client.jetstream(timeout=30)
    for copy in range(1 + again):
        ids = [{"Nats-Msg-Id": command.id} if copy == 0 else {} for command in commands]
        await asyncio.gather(
            *(
                js.publish(subject(type(command)), encode(command), headers=headers)
                for command, headers in zip(commands, ids, strict=True)
            )
        )
    await client.close()


async def replies(shop: Shop, count: int) -> dict[str, dict[str, Any]]:
    """What was published about each command, by the command's id."""

    async def all_of_them() -> list[dict[str, Any]]:
        words = ("stock_reserved", "stock_refused", "stock_released")
        said = [reply for word in words for reply in await shop.said(f"evt.product.{word}")]
        assert len(said) >= count, len(said)
        return said

    said = await eventually(all_of_them)
    assert len(said) == count
    return {reply["cause_id"]: reply for reply in said}


async def statuses(shop: Shop) -> Counter[str]:
    rows = await shop.look("SELECT status, count(*) FROM reservations GROUP BY status")
    return Counter({row["status"]: row["count"] for row in rows})


async def assert_exact(shop: Shop) -> None:
    """Everything that was ever received is on the shelf or reserved, and the ledger says how it got there."""
    assert await shop.look(LEAK) == []
    assert await shop.look(UNEXPLAINED) == []


async def stock(shop: Shop, product_id: str) -> int:
    [row] = await shop.look("SELECT available FROM stock WHERE product_id = $1", product_id)
    await assert_exact(shop)
    available: int = row["available"]
    return available
