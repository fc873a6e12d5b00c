"""Replicas that tests ask, stop, and cut off."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar

from nats.aio.client import Client
from nats.aio.msg import Msg

from common.contracts.product import Check, ProductCheck, Wish
from common.contracts.request import Request
from common.ids import new_id
from common.messaging.answers import answering
from common.messaging.broker import Broker, broker
from common.messaging.requests import Requests
from common.messaging.services import Identity, Service
from tests.support import eventually

A = TypeVar("A")

QUESTION = ProductCheck(items=[Wish(product_id=new_id(), quantity=1)])
YES = Check(available=True, items=[])

Handler = Callable[[ProductCheck], Awaitable[Check]]


async def yes(_: ProductCheck) -> Check:
    return YES


@dataclass
class Replica:
    """A service that the test can stop gently, or cut off."""

    service: Service
    broker: Broker
    running: "asyncio.Future[None]"

    @property
    def heard(self) -> int:
        return self.service.endpoints[0].stats.num_requests

    def cut_off(self) -> None:
        """As the broker sees a killed process: the connection is gone, and does not come back."""
        self.running.cancel()
        assert self.broker.client is not None
        self.broker.client.options["allow_reconnect"] = False
        self.broker._closing = True
        self.broker.client._transport.close()  # type: ignore[union-attr]  # there is one while it is connected


class Patient(Requests):
    """A busy machine is no replica that died: nobody is asked twice for that."""

    async def ask(self, request: Request[A], *, of: str = "", timeout: float = 60.0) -> A:
        return await super().ask(request, of=of, timeout=timeout)


@dataclass
class Bench:
    """Replicas, whoever asks them, and a plain client such as the `nats` tool."""

    url: str
    requests: Requests
    plain: Client
    until: AsyncExitStack
    replicas: list[Replica] = field(default_factory=list)

    async def start(self, handler: Handler = yes) -> Replica:
        connection = await self.until.enter_async_context(broker(self.url, "product"))
        identity = Identity(
            service="product",
            version="1.2.3",
            description="Owns the catalogue.",
            role="all",
            replica=f"here:{len(self.replicas)}",
        )
        service = Service(connection, identity, well, [answering(ProductCheck, handler)])
        replica = Replica(service, connection, asyncio.ensure_future(service.run()))
        self.replicas.append(replica)
        await self.listed(replica)
        return replica

    async def listed(self, replica: Replica) -> None:
        """Its endpoints stand before it can be found."""

        async def pinged() -> bool:
            identity = replica.service.identity
            return bool(await self.survey(f"$SRV.PING.product.{identity.id}", enough=1))

        await eventually(pinged)

    async def survey(self, subject: str, *, enough: int) -> list[Any]:
        heard = await self.requests.survey(subject, timeout=10.0, enough=enough)
        return [json.loads(each) for each in heard]

    async def wire(self, payload: bytes) -> Msg:
        return await self.plain.request("product.check", payload, timeout=30)


async def well() -> dict[str, Any]:
    return {"status": "ok", "checks": {}}


class Gate:
    """A handler that keeps its questions until it is opened; counts how many it has at once."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.at_once = self.most = 0

    async def __call__(self, _: ProductCheck) -> Check:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await self.open.wait()
        finally:
            self.at_once -= 1
        return YES
