"""Every user of the broker tries everything that is somebody else's."""

import asyncio
from collections.abc import Callable

import pytest
from nats.aio.client import Client

from common.contracts import purchase
from common.contracts.message import subject
from common.ids import new_id
from common.messaging.broker import Broker, broker
from common.messaging.codec import encode, words
from common.messaging.outbox import as_outgoing
from common.messaging.publisher import Publisher
from common.messaging.streams import CONSUMERS, SPEAKERS
from deploy.embedded.layout import WITH_DATABASE
from deploy.embedded.services import present
from purchase.settings import PurchaseSettings
from tests.integration.mail.wire import registered
from tests.integration.privileges.wire import refused_publishes, refused_subscriptions
from tests.integration.purchase.wire import priced, shop
from tests.servers import Servers
from tests.support import Issuer, eventually, free_port

SERVICES = present()
CARETAKERS = ("provisioner", "operator", "viewer")
DURABLES = [hears.durable for hears in CONSUMERS]
WORDS = [subject(word) for word in words(*SPEAKERS)]
QUESTIONS = ["account.lookup", "product.check"]
LETTERS = [
    f"{service}.dead_letters.{verb}"
    for service in WITH_DATABASE
    for verb in ("list", "show", "read", "retry", "edit", "discard")
]

STREAM_VERBS = (
    *("INFO", "CREATE", "UPDATE", "DELETE", "PURGE", "SNAPSHOT", "RESTORE", "MSG.GET", "MSG.DELETE"),
    *("LEADER.STEPDOWN", "PEER.REMOVE"),
)
CONSUMER_VERBS = (
    *("INFO", "DELETE", "CREATE", "DURABLE.CREATE", "MSG.NEXT", "PAUSE", "UNPIN", "LEADER.STEPDOWN", "RESET"),
)
API = [
    *(f"$JS.API.{each}" for each in ("INFO", "STREAM.NAMES", "STREAM.LIST", "META.LEADER.STEPDOWN")),
    *(f"$JS.API.STREAM.{verb}.{name}" for verb in STREAM_VERBS for name in ("SHOP", "MINE")),
    *(f"$JS.API.CONSUMER.{verb}.SHOP" for verb in ("NAMES", "LIST", "CREATE")),
    *(f"$JS.API.CONSUMER.{verb}.SHOP.{name}" for verb in CONSUMER_VERBS for name in (*DURABLES, "spy")),
    *(f"$JS.API.DIRECT.GET.SHOP{more}" for more in ("", ".evt.account.account_registered")),
    *("$JS.API.ACCOUNT.PURGE.SHOP", "$SYS.REQ.SERVER.PING", "$SYS.REQ.ACCOUNT.PING.CONNZ"),
]
ACKS = [
    f"$JS.ACK.{before}SHOP.{name}.1.1.1.1.1{after}"
    for before, after in (("", ""), ("_.hash.", ".x"))
    for name in DURABLES
]
CROSSED_ACKS = [f"$JS.ACK.SHOP.{one}.SHOP.{other}.1.1.1.1.1.x" for one in DURABLES for other in DURABLES]
"""Acknowledgements of one consumer, spelled so that they look like another's."""
INBOXES = ["_INBOX.a", *(f"_INBOX_{user}.a" for user in (*SERVICES, *CARETAKERS))]
LOOKS = (
    *(
        f"$JS.API.{each}"
        for each in ("INFO", "STREAM.NAMES", "STREAM.LIST", "STREAM.INFO.", "STREAM.MSG.GET.")
    ),
    *(f"$JS.API.CONSUMER.{each}." for each in ("NAMES", "LIST", "INFO")),
)
PUBLISHED = [
    *WORDS,
    *API,
    *ACKS,
    *CROSSED_ACKS,
    *INBOXES,
    *QUESTIONS,
    *LETTERS,
    *("order.dead_letters.burn", "order.dead_letters", "dead_letters.list"),
    *(f"{service}.{each}" for service in SERVICES for each in ("health", "info")),
    *("$SRV.PING", "$SRV.STATS.order", "cmd.purchase.unheard_of", "evt.mail.unheard_of", "anything"),
]
SUBSCRIBED = [
    *(
        ">",
        "*.*",
        "*.*.*",
        "evt.>",
        "cmd.>",
        "_INBOX.>",
        "$JS.>",
        "$JS.API.>",
        "$JS.ACK.>",
        "$SYS.>",
        "$SRV.>",
    ),
    *("$JS.EVENT.ADVISORY.>", "*.health", "product.>", "order.*", "evt.mail.>", "anything"),
    *(f"_INBOX_{user}.>" for user in (*SERVICES, *CARETAKERS)),
    *WORDS,
    *ACKS,
    *QUESTIONS,
    *LETTERS,
    *("*.dead_letters.list", "order.dead_letters.*"),
    *(f"{service}.health" for service in SERVICES),
    *(f"$SRV.PING.{service}" for service in SERVICES),
]


def may_say(user: str, said: str) -> bool:
    """In words of its own: the rules under test are derived, these are written down."""
    end = said.rpartition(".")[2]
    if user == "orchestrator" and said.startswith("cmd."):
        return said in WORDS
    if said.startswith(f"evt.{user}."):
        return said in WORDS
    if user in SERVICES and said == "$JS.API.STREAM.INFO.SHOP":
        return user in WITH_DATABASE
    if user in SERVICES:
        return any(
            said.startswith((f"$JS.ACK.SHOP.{own}.", f"$JS.ACK._.hash.SHOP.{own}."))
            or said == f"$JS.API.CONSUMER.MSG.NEXT.SHOP.{own}"
            for own in {user, f"{user}_cache"} & set(DURABLES)
        )
    if user == "provisioner":
        made = said.startswith(("$JS.API.CONSUMER.INFO.SHOP.", "$JS.API.CONSUMER.DURABLE.CREATE.SHOP."))
        return said in {f"$JS.API.STREAM.{each}.SHOP" for each in ("INFO", "CREATE", "UPDATE")} or (
            made and end in DURABLES
        )
    if user == "operator":
        return (
            said in [*QUESTIONS, *LETTERS] or said.startswith("$SRV.") or said.endswith((".health", ".info"))
        )
    return user == "viewer" and said.startswith(LOOKS)


def may_hear(user: str, heard: str) -> bool:
    if user == "viewer":
        return heard == "_INBOX.>"
    own = (
        *(each for each in (*QUESTIONS, *LETTERS) if each.startswith(f"{user}.")),
        f"{user}.health",
        f"$SRV.PING.{user}",
    )
    return heard == f"_INBOX_{user}.>" or (user in SERVICES and heard in own)


@pytest.mark.parametrize("user", [*SERVICES, *CARETAKERS])
async def test_nobody_says_or_hears_what_is_not_its_own(user: str, servers: Servers, nats_url: str) -> None:
    url = servers.nats_url_of(user)
    said, heard = await asyncio.gather(
        refused_publishes(url, PUBLISHED), refused_subscriptions(url, SUBSCRIBED)
    )
    print(  # noqa: T201  # how much was tried
        f"{user}: refused are {len(said)} of {len(PUBLISHED)} publishes "
        f"and {len(heard)} of {len(SUBSCRIBED)} subscriptions"
    )
    assert set(PUBLISHED) - said == {each for each in PUBLISHED if may_say(user, each)}
    assert set(SUBSCRIBED) - heard == {each for each in SUBSCRIBED if may_hear(user, each)}


async def test_what_the_service_has_handled_is_acknowledged_under_its_own_rights(
    servers: Servers, nats_url: str, database: Callable[[str], str], issuer: Issuer
) -> None:
    """A refused ack is silent: the message would come again for ever, and never leave `num_ack_pending`."""
    async with shop(own_rights(servers, database, issuer), issuer, voice=nats_url) as client:
        purchase_id = await client.buy()
        asked = (await client.hear(purchase.PurchaseRequested)).purchase
        await client.say(purchase.CompletePurchase(purchase=priced(asked)))
        await client.hear(purchase.PurchaseCompleted)
        js = (await client.publisher.broker.ready()).jetstream()

        async def nothing_is_left() -> bool:
            info = await js.consumer_info("SHOP", "purchase")
            return (info.num_pending, info.num_ack_pending, info.num_redelivered) == (0, 0, 0)

        await eventually(nothing_is_left)
        assert (await client.get(f"/purchases/{purchase_id}"))["status"] == "COMPLETED"


async def test_nobody_completes_a_purchase_with_the_rights_of_mail(
    servers: Servers, nats_url: str, database: Callable[[str], str], issuer: Issuer
) -> None:
    settings = own_rights(servers, database, issuer)
    async with (
        shop(settings, issuer, voice=nats_url) as client,
        broker(servers.nats_url_of("mail"), "mail") as forger,
    ):
        purchase_id = await client.buy()
        asked = (await client.hear(purchase.PurchaseRequested)).purchase
        forged = encode(purchase.CompletePurchase(purchase=priced(asked)))
        connection = await forger.ready()
        for word in ("cmd.purchase.complete", "evt.payment.payment_authorized", "evt.purchase.completed"):
            await connection.publish(word, forged)
        await connection.flush()
        await eventually(lambda: forger.refusals == 3)
        await client.say(registered(new_id()))  # mail hears it too, so it has something to pull
        await say_it_on_an_own_subject(connection, forged)
        await have_the_broker_say_it(connection)
        await refused_again(client.publisher.broker, 2)
        assert (await client.get(f"/purchases/{purchase_id}"))["status"] == "PENDING"
        async with broker(servers.nats_url_of("orchestrator"), "orchestrator") as entitled:
            decided = as_outgoing(purchase.CompletePurchase(purchase=priced(asked)))
            assert await Publisher(entitled).publish([decided]) == [True]
        await client.hear(purchase.PurchaseCompleted)


def own_rights(servers: Servers, database: Callable[[str], str], issuer: Issuer) -> PurchaseSettings:
    return PurchaseSettings(
        service="purchase",
        port=free_port(),
        database_url=database("purchase"),
        nats_url=servers.nats_url_of("purchase"),
        redis_url=servers.redis_url_of("purchase"),
        jwks_url=issuer.jwks_url,
        deadline=600.0,
    )


async def say_it_on_an_own_subject(mail: Client, forged: bytes) -> None:
    """The broker lets it through: the subject is mail's. Purchase hears it, and must not believe it."""
    await mail.jetstream().publish("evt.mail.mail_accepted", forged)


async def have_the_broker_say_it(mail: Client) -> None:
    """Whatever the broker answers goes where the question says, and no right is asked for that."""
    await mail.publish("$JS.API.STREAM.INFO.SHOP", b"", reply="cmd.purchase.complete")
    await mail.publish(
        "$JS.API.CONSUMER.MSG.NEXT.SHOP.mail", b'{"batch": 1}', reply="evt.payment.payment_captured"
    )
    await mail.flush()


async def refused_again(watching: Broker, count: int) -> None:
    """So many messages have come to purchase a second time: it has heard them, and does not believe them."""
    js = (await watching.ready()).jetstream()

    async def are_redelivered() -> bool:
        info = await js.consumer_info("SHOP", "purchase")
        return (info.num_pending, info.num_redelivered) == (0, count)

    await eventually(are_redelivered)
