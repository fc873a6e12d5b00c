"""`./just trace` on a purchase whose time ran out: three lines tell where it stood, and why."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from deploy.audit.history import History, history
from deploy.audit.sources import Sources, listed
from deploy.privileges.nats import VIEWER
from deploy.trace import show
from deploy.trace.standing import Standing, standing
from deploy.trace.waiting import waiting
from tests.e2e.conftest import Open
from tests.e2e.whole import Whole, run_out
from tests.servers import Servers
from tests.support import eventually


async def told(shop: Whole, servers: Servers, purchase: str) -> tuple[History, Standing]:
    broker = servers.nats_url_of(VIEWER)
    known = await history(Sources(shop.databases, listed(shop.psp.entries()), broker), UUID(purchase))
    return known, standing(known, await waiting(broker), datetime.now(UTC))


async def test_a_purchase_that_timed_out_while_payment_was_away_says_so_then_and_later(
    a_shop: Open, servers: Servers
) -> None:
    async with a_shop(purchase={"redrive_after": 1.0}) as shop:
        lamp = await shop.product(inventory=5)
        customer = await shop.customer()
        [payment] = shop.parts["payment"]
        await payment.stop()
        bought = await customer.buy({lamp: 1})

        async def is_at_payment() -> bool:
            _, found = await told(shop, servers, bought["id"])
            assert_tells(found, "PENDING", "it is at payment: authorize_payment, ", "not heard")
            return True

        await eventually(is_at_payment)
        await run_out(servers, shop, bought["id"])
        assert (await customer.outcome(bought["id"])).type == "timed_out"

        async def only_the_void_is_missing() -> bool:
            known, found = await told(shop, servers, bought["id"])
            assert_tells(
                found, "TIMED_OUT", "not settled: no payment_voided yet", "payment: authorize_payment, "
            )
            assert "not heard" in found.where
            assert found.why.startswith("why: no process of payment asks for messages"), found
            assert any("authorize_payment" in line and "not heard" in line for line in show.waterfall(known))
            return True

        await eventually(only_the_void_is_missing)
        await payment.start()
        await shop.settled()

        async def is_known() -> bool:
            _, later = await told(shop, servers, bought["id"])
            assert_tells(later, "TIMED_OUT", "settled", "payment: authorize_payment", "was answered")
            assert later.why.startswith("why: payment was away or too busy until")
            return True

        await eventually(is_known)


def assert_tells(found: Standing, *words: str) -> None:
    assert len(found.lines) == 3
    assert not (missing := missing_in(found.lines, words)), (missing, found.lines)


def missing_in(lines: Sequence[str], words: Sequence[str]) -> list[str]:
    return [word for word in words if word not in "\n".join(lines)]
