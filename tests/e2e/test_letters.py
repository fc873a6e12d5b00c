"""A dead letter of the orchestrator, which has no database: retried, it carries its purchase to the end."""

from pathlib import Path

import nats

from common.messaging.broker import broker
from common.messaging.pull import Puller
from deploy.audit.statements import STATE
from orchestrator.__main__ import program
from orchestrator.settings import OrchestratorSettings
from tests.e2e.conftest import Open
from tests.integration.letters.hands import Operator, parked, put, rows
from tests.servers import Servers
from tests.support import free_port, running

REQUESTED = "evt.purchase.requested"


async def taken_away(url: str) -> bytes:
    """The request that the orchestrator would have heard: acknowledged, and lost."""
    async with broker(url, "orchestrator") as connection:
        puller = Puller(connection, "orchestrator", batch_size=1)
        [delivery] = await puller.batch()
        assert delivery.subject == REQUESTED
        client = await connection.ready()
        await client.request(delivery.reply, b"+ACK", timeout=30)
        await puller.stop()
    return delivery.payload


async def test_a_letter_of_the_orchestrator_that_is_mended_and_retried_completes_its_purchase(
    a_shop: Open, servers: Servers, tmp_path: Path
) -> None:
    patient = {"deadline": 600, "redrive_after": 600}
    deaf = {"nats_url": servers.nats_url_of("viewer")}
    operator = Operator(servers, tmp_path)
    settings = OrchestratorSettings(
        port=free_port(), nats_url=servers.nats_url_of("orchestrator"), message_retry_seconds=0.1
    )
    async with a_shop(purchase=patient, orchestrator=deaf) as shop:
        lamp = await shop.product(inventory=5)
        customer = await shop.customer()
        bought = await customer.buy({lamp: 1})
        right = await taken_away(settings.nats_url)
        wrong = right.replace(b'"attempt":0', b'"attempt":"none"')
        assert wrong != right
        admin = await nats.connect(servers.nats_url)
        await put(admin, REQUESTED, wrong, **{"Nats-Msg-Id": "wrong", "traceparent": "00-1-2-01"})
        await admin.close()
        database = shop.databases["purchase"]
        async with running(settings, program):
            await parked(database, 1)
            shown = await operator.shown("purchase:1")
            assert (shown["durable"], shown["subject"]) == ("orchestrator", REQUESTED)
            assert shown["headers"] == {"Nats-Msg-Id": "wrong", "traceparent": "00-1-2-01"}
            unmended = await operator.types("retry", "purchase:1", "--by", "ann")
            assert (unmended.code, unmended.out) == (0, "purchase:1 retried\n")
            await parked(database, 2)  # it comes back as a letter of its own, and not as a letter in a letter
            shown = await operator.shown("purchase:2")
            assert (shown["durable"], shown["subject"]) == ("orchestrator", REQUESTED)
            assert shown["message_id"].startswith("evt.purchase.letter_retried:1:")
            typed = await operator.types("edit", "purchase:2", "--payload", "-", typed=right)
            assert typed.code == 0
            assert (await operator.types("retry", "purchase:2", "--by", "ann")).code == 0
            [*_, ended] = [event async for event in customer.watch(bought["id"])]
            assert ended.type == "completed"
            await shop.settled()
            assert await shop.assert_exact() == {
                "COMPLETED": 1
            }  # letters that are dealt with are not left over
        [(_, letters)] = await rows(database, STATE)
        assert letters == 0
        assert await rows(database, "SELECT count(*) FROM dead_letter") == [(2,)]
