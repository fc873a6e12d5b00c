"""Dead letters of work that has no transaction are handled beside the one that ends them."""

from collections.abc import Sequence
from typing import Any

from common.messaging.pull import Received
from common.messaging.transactional import Stored, again


async def test_work_without_a_transaction_is_handed_the_letter_as_a_batch_of_one() -> None:
    heard: list[Sequence[Received]] = []

    async def work(received: Sequence[Received]) -> None:
        heard.append(received)

    letter = Stored(17, 3, "evt.product.stock_changed", b"{}", {"traceparent": "00-1-2-01"})
    outside: Any = None
    await again(work)(outside, letter)
    assert heard == [[letter]]
    assert (letter.header("traceparent"), letter.header("Nats-Msg-Id")) == ("00-1-2-01", None)
