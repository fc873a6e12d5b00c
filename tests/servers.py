"""The real servers of a test run, behind one seam: embedded here, in containers with `--containers`."""

import asyncio
import itertools
import random
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

import nats
from nats.js.errors import NotFoundError

from common.messaging.broker import broker
from common.messaging.provisioner import ProvisionerSettings, provision, watch
from common.messaging.streams import STREAM
from common.postgres.migrate import on_database
from common.postgres.rights import AUDITOR
from deploy.embedded import nats as at_nats
from deploy.embedded import redis as at_redis
from deploy.embedded.layout import SPAN
from deploy.embedded.nodes import Nodes
from deploy.embedded.ports import is_free
from deploy.embedded.stack import Stack
from deploy.privileges import s3 as at_s3
from tests.support import worker


class ObjectStore(NamedTuple):
    """An address (host:port), the password of who may do everything there, and that of media."""

    address: str
    password: str
    media_password: str


class Servers(Protocol):
    """Addresses, with credentials where there are any. The URLs without a user may do everything."""

    nats_url: str
    redis_url: str
    smtp_host: str
    smtp_port: int
    mail_api: str
    s3: ObjectStore

    def databases(self) -> AbstractContextManager[Callable[[str], str]]:
        """service -> a fresh, migrated database, by the URL of its runtime role; dropped on leaving."""

    def owner_url(self, runtime_url: str) -> str:
        """The same database as its owner."""

    def auditor_url(self, runtime_url: str) -> str:
        """The same database as the auditor."""

    def nats_url_of(self, user: str) -> str:
        """The broker with the rights of one service."""

    def redis_url_of(self, user: str) -> str:
        """Redis with the rights of one service."""

    def stop_process(self, name: str) -> None: ...

    def start_process(self, name: str) -> None: ...

    def wipe_broker(self) -> None:
        """NATS comes back with an empty disk; nobody has provisioned it yet."""

    def close(self) -> None: ...


class OnStack:
    """A stack says the addresses and the passwords; who runs the servers is another question."""

    def __init__(self, home: Path, nodes: Nodes | None = None) -> None:
        self.stack = Stack(home=home, port_base=free_base(), nodes=nodes or Nodes())
        self.nats_url = self.stack.nats_url
        self.redis_url = self.stack.redis_url
        self.smtp_host, self.smtp_port = "127.0.0.1", self.stack.layout.port("smtp")
        self.mail_api = self.stack.url("mail_api")
        passwords = self.stack.passwords
        self.s3 = ObjectStore(
            self.stack.layout.address("s3"), passwords.at_s3(at_s3.ADMIN), passwords.at_s3(at_s3.MEDIA)
        )
        self._numbers = itertools.count(1)
        self._templates: set[str] = set()

    @contextmanager
    def databases(self) -> Iterator[Callable[[str], str]]:
        """Whatever is not on the disk yet need not get there: hundreds of them would hold up a later stop."""
        made: list[str] = []

        def new(service: str) -> str:
            made.append(self._new_database(service))
            return self._renamed(self.stack.database_url(service), made[-1])

        try:
            yield new
        finally:
            self.stack.postgres.run("".join(f'DROP DATABASE "{name}" WITH (FORCE);' for name in made))

    def _new_database(self, service: str) -> str:
        """Its name. Migrated once per service, then copied: about 50 ms each."""
        if service not in self._templates:
            owner = self.stack.database_url(service, "owner")
            migrating = on_database(owner, service, "upgrade", revision="head")
            with ThreadPoolExecutor(1) as apart:  # a test's own loop may be running here
                apart.submit(asyncio.run, migrating).result()
            self._templates.add(service)
        name = f"{service}_{next(self._numbers)}"
        self.stack.postgres.run(
            f'CREATE DATABASE "{name}" OWNER "{service}_owner" TEMPLATE "{service}";'
            f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC;'
            f'GRANT CONNECT ON DATABASE "{name}" TO "{service}_runtime", "{AUDITOR}";'
        )
        return name

    def owner_url(self, runtime_url: str) -> str:
        name = urlsplit(runtime_url).path.lstrip("/")
        return self._renamed(self.stack.database_url(name.rsplit("_", 1)[0], "owner"), name)

    def auditor_url(self, runtime_url: str) -> str:
        name = urlsplit(runtime_url).path.lstrip("/")
        return self._renamed(self.stack.postgres.auditor_url(name), name)

    def nats_url_of(self, user: str) -> str:
        return at_nats.url(self.stack.layout, self.stack.passwords, user)

    def redis_url_of(self, user: str) -> str:
        return at_redis.url(self.stack.layout, self.stack.passwords, user)

    @staticmethod
    def _renamed(url: str, database: str) -> str:
        return urlsplit(url)._replace(path=f"/{database}").geturl()


class Embedded(OnStack):
    """The embedded stack's bare servers, under a home of their own."""

    def __init__(self, home: Path, nodes: Nodes | None = None) -> None:
        super().__init__(home, nodes)
        self.stack.start(bare=True, tied=True)

    def stop_process(self, name: str) -> None:
        self.stack.stop_process(name)

    def start_process(self, name: str) -> None:
        self.stack.start_process(name)

    def wipe_broker(self) -> None:
        self.stack.stop_process("nats")
        shutil.rmtree(self.stack.home / "nats" / "jetstream")
        self.stack.start_process("nats")

    def close(self) -> None:
        self.stack.stop()


async def fresh_stream(nats_url: str, *, replicas: int = 1) -> None:
    """Everything said so far is forgotten."""
    client = await nats.connect(nats_url.split(","))
    js = client.jetstream()
    try:
        with suppress(NotFoundError):
            await js.delete_stream(STREAM)
        await provision(js, provisioning(nats_url, replicas=replicas))
    finally:
        await client.close()


@asynccontextmanager
async def provisioned(servers: Servers, *, replicas: int = 1) -> AsyncIterator[None]:
    """Whoever takes the stream away gets it back."""
    async with broker(servers.nats_url_of("provisioner"), "provisioner") as connection:
        watching = asyncio.ensure_future(watch(connection, provisioning(servers.nats_url, replicas=replicas)))
        try:
            yield
        finally:
            watching.cancel()


def provisioning(nats_url: str, *, replicas: int = 1) -> ProvisionerSettings:
    """A stream that is small enough for a test."""
    return ProvisionerSettings(nats_url=nats_url, stream_replicas=replicas, stream_max_bytes=256 * 1024**2)


def free_base() -> int:
    """A hundred ports that nobody uses, of those of this worker: drawn, so that other runs are rarely met.

    Two workers that draw the same at the same moment would find it free, and each the servers of the other.
    """
    bases = list(range(24_000, 32_000, SPAN)[worker()])
    random.shuffle(bases)
    for base in bases:
        if all(is_free(base + offset) for offset in range(SPAN)):
            return base
    raise RuntimeError("no hundred free ports between 24000 and 32000")
