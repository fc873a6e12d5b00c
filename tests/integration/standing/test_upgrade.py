"""A shop whose services have not listened to account so far."""

import nats
import pytest

from common.contracts.account import SessionEnded
from common.contracts.message import subject
from common.contracts.product import ReserveStock
from common.messaging.codec import Codec, encode
from common.messaging.provisioner import ProvisionerSettings, provision
from common.messaging.streams import STANDING, STREAM, Hears, consumer
from tests.integration.standing.world import Session
from tests.support import Issuer


async def test_a_consumer_of_before_hears_account_from_its_place_on(nats_url: str, issuer: Issuer) -> None:
    """Its place is the last message that it was given; what went by before, it is not told."""
    before, after = Session(issuer).ended(), Session(issuer).ended()
    client = await nats.connect(nats_url)
    js = client.jetstream(timeout=30)
    await js.delete_consumer(STREAM, "product")
    await js.add_consumer(STREAM, consumer(Hears("product", under=("cmd.product",))))
    await js.publish(subject(SessionEnded), encode(before))
    await js.publish(subject(ReserveStock), b"{}")
    pulled = await js.pull_subscribe_bind("product", STREAM)
    [command] = await pulled.fetch(1, timeout=30)
    await command.ack_sync(timeout=30)
    await js.publish(subject(SessionEnded), encode(after))
    await provision(js, ProvisionerSettings(nats_url=nats_url, stream_max_bytes=256 * 1024**2))
    [heard] = await pulled.fetch(1, timeout=30)
    assert Codec(STANDING).decode(heard.data) == after
    with pytest.raises(TimeoutError):
        await pulled.fetch(1, timeout=1)
    await client.close()
