"""A process as a NATS micro service (ADR 32): it can be found, and asked how it is, what it is, what it does.

Not by `nats.micro`, whose `stop` cancels what is being answered, whose faults tell the asker their insides,
and which answers one question of a subject at a time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from common.ids import new_id
from common.messaging.answers import EVERYBODY, Endpoint, Stats, tell
from common.messaging.broker import Broker
from common.messaging.codec import encode

CONTROL = "$SRV"

TYPE = "io.nats.micro.v1.{}_response"


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Which process of which service: what it answers to `info`. The id is new with every start."""

    service: str
    version: str
    description: str
    role: str
    replica: str
    """Where it serves HTTP: the address tells replicas apart for people."""
    id: str = msgspec.field(default_factory=lambda: new_id().hex)
    started_at: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))


class Ping(msgspec.Struct, kw_only=True, tag_field="type", tag=TYPE.format("ping")):
    """The answer to PING: that it is there."""

    name: str
    id: str
    version: str
    metadata: dict[str, str]


class Listening(msgspec.Struct):
    """One subject of a service."""

    name: str
    subject: str
    queue_group: str
    metadata: dict[str, str]


class Info(Ping, kw_only=True, tag=TYPE.format("info")):
    """The answer to INFO: what can be asked, and where."""

    description: str
    endpoints: list[Listening]


class Statistics(Ping, kw_only=True, tag=TYPE.format("stats")):
    """The answer to STATS: what was asked since the start."""

    started: datetime
    endpoints: list[Stats]


def control_subjects(service: str, replica_id: str = "*") -> list[str]:
    """Where PING, INFO and STATS are asked: of all, of one kind, of one process.

    The first three by name: who may subscribe to `$SRV.*` is also let in at `$SRV.>`, and hears of others.
    """
    all_of_them = [f"{CONTROL}.{verb}" for verb in ("PING", "INFO", "STATS")]
    return [*all_of_them, f"{CONTROL}.*.{service}", f"{CONTROL}.*.{service}.{replica_id}"]


Health = Callable[[], Awaitable[dict[str, Any]]]


class Service:
    """Listens while there is a broker; nats-py renews the subscriptions after a reconnection."""

    def __init__(
        self,
        broker: Broker,
        identity: Identity,
        health: Health,
        answers: Sequence[Endpoint] = (),
    ) -> None:
        self.broker = broker
        self.identity = identity
        self.health = health
        self.endpoints = (*answers, *self._own())
        self._subscriptions: list[Subscription] = []
        self._control = {"PING": self.ping, "INFO": self.info, "STATS": self.statistics}

    def _own(self) -> list[Endpoint]:
        """Asked of every replica: one that answers for another tells nothing."""

        async def health(_: bytes) -> bytes:
            return encode({"id": self.identity.id, **await self.health()})

        async def info(_: bytes) -> bytes:
            return encode(self.identity)

        name = self.identity.service
        return [
            Endpoint(f"{name}.health", health, queue=EVERYBODY),
            Endpoint(f"{name}.info", info, queue=EVERYBODY),
        ]

    async def run(self) -> None:
        """Runs until cancelled. Whoever finds the service finds it answering."""
        client = await self.broker.ready()
        async with asyncio.TaskGroup() as tasks:
            for endpoint in self.endpoints:
                tasks.create_task(endpoint.run(client))
                self._subscriptions.append(await endpoint.listen(client))
            for subject in control_subjects(self.identity.service, self.identity.id):
                self._subscriptions.append(await self._answer_control(client, subject))

    async def stop(self) -> None:
        """Takes no more questions, then answers those it has."""
        if self.broker.up:
            with suppress(nats.errors.Error):
                await asyncio.gather(*(each.drain() for each in self._subscriptions))  # type: ignore[no-untyped-call]  # nats-py's
        for endpoint in self.endpoints:
            await endpoint.finished()

    async def _answer_control(self, client: Client, subject: str) -> Subscription:
        async def hear(message: Msg) -> None:
            verb = message.subject.split(".")[1]
            if verb in self._control:
                await tell(client, message, encode(self._control[verb]()))

        return await client.subscribe(subject, cb=hear)

    def ping(self) -> Ping:
        return Ping(**self._who())

    def info(self) -> Info:
        stats = (endpoint.stats for endpoint in self.endpoints)
        listening = [Listening(each.name, each.subject, each.queue_group, {}) for each in stats]
        return Info(**self._who(), description=self.identity.description, endpoints=listening)

    def statistics(self) -> Statistics:
        stats = [endpoint.stats for endpoint in self.endpoints]
        return Statistics(**self._who(), started=self.identity.started_at, endpoints=stats)

    def _who(self) -> dict[str, Any]:
        who = self.identity
        metadata = {"role": who.role, "replica": who.replica}
        return {"name": who.service, "id": who.id, "version": who.version, "metadata": metadata}
