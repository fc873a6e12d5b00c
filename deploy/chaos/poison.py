"""Messages that cannot be handled, for every consumer, and how soon they lie where they harm nobody."""

import time
from typing import NamedTuple

import asyncpg
import nats

from deploy.audit.books import Books
from deploy.audit.statements import STATE
from deploy.chaos.arena import Arena
from deploy.chaos.traffic import Traffic
from deploy.client import until

PARKED_SECONDS = 60.0


class Bad(NamedTuple):
    """`keeps`: the services in whose table it ends; the orchestrator's lie with purchase."""

    subject: str
    payload: bytes
    keeps: tuple[str, ...]


POISON = (
    Bad("cmd.product.reserve_stock", b"", ("product",)),
    Bad("cmd.product.release_stock", b'{"type": "cmd.product.release_stock"', ("product",)),
    Bad("cmd.order.create_order", b'{"type": "cmd.order.create_order", "purchase": 7}', ("order",)),
    Bad("cmd.order.fly", b'{"type": "cmd.order.fly", "v": 99}', ("order",)),
    Bad("cmd.payment.authorize_payment", b"\xff\xfe\x00" * 100, ("payment",)),
    Bad("cmd.payment.void_payment", b'{"type": "cmd.payment.capture_payment"}', ("payment",)),
    Bad("cmd.purchase.complete", b"[" * 5000, ("purchase",)),
    Bad("evt.order.order_created", b'{"type": "evt.order.order_created"}', ("purchase", "purchase")),
    Bad("evt.purchase.completed", b'"' + b"x" * 900_000 + b'"', ("purchase", "mail")),
)


async def poisoned(arena: Arena) -> None:
    """All of it at once, as somebody with every right."""
    arena.timeline.note(f"{len(POISON)} messages that nobody can read", ())
    client = await nats.connect(arena.stack.nats_url.split(","))
    for number, bad in enumerate(POISON):
        headers = {"Nats-Msg-Id": f"poison-{number}-{time.time_ns()}"}
        await client.jetstream().publish(bad.subject, bad.payload, headers=headers)
    await client.close()


async def buried(arena: Arena, traffic: Traffic) -> float:
    """Seconds until every one was parked, for everybody who had to hear it; then they are taken away."""
    began = time.monotonic()
    books = Books(arena.stack.database_urls, ())
    expected = {
        service: sum(bad.keeps.count(service) for bad in POISON) for service in arena.stack.database_urls
    }

    async def parked() -> float | None:
        counts = {service: (await books.rows(service, STATE))[0]["letters"] for service in expected}
        return time.monotonic() - began if counts == expected else None

    try:
        return await until(parked, seconds=PARKED_SECONDS)
    except TimeoutError:
        counts = {service: (await books.rows(service, STATE))[0]["letters"] for service in expected}
        traffic.wrong.append(f"I9: after {PARKED_SECONDS:.0f} s {counts} are parked, {expected} were bad")
        return PARKED_SECONDS
    finally:
        for service in expected:
            connection = await asyncpg.connect(arena.stack.database_url(service, "owner"))
            await connection.execute("DELETE FROM dead_letter")
            await connection.close()
