"""A whole shop to be shot at: a stack of real processes, whose services reach every server through a wire."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from deploy.chaos.links import Link, opened
from deploy.chaos.timeline import Timeline
from deploy.embedded.layout import SERVICES, WITH_DATABASE, Layout, write_private
from deploy.embedded.nodes import Nodes
from deploy.embedded.plan import Plan
from deploy.embedded.postgres import Postgres
from deploy.embedded.program import Program
from deploy.embedded.stack import Stack
from deploy.privileges.redis import SERVICES as WITH_REDIS

WIRES: tuple[tuple[str, str], ...] = (
    *((service, "postgres") for service in WITH_DATABASE),
    *((service, "nats") for service in SERVICES),
    *((service, "redis") for service in WITH_REDIS),
    ("payment", "psp"),
    ("media", "s3"),
    ("mail", "smtp"),
)

SETTINGS = {
    # One machine plays all customers.
    "STREAMS_PER_ACCOUNT": "2000",
    "PENDING_PER_ACCOUNT": "2000",
    "CODES_PER_HOUR": "1000",
    "PASSWORD_MEMORY_KIB": "1024",
    "PASSWORD_PASSES": "1",
    "PASSWORD_SHARE": "0.5",
    "PASSWORD_QUEUE": "2000",
    # What waits for minutes elsewhere waits for seconds, so that a campaign sees the end of it.
    "REDRIVE_AFTER": "3",
    "RETRY_SECONDS": "1",
    "RETRY_MOST_SECONDS": "5",
    "PROVIDER_TIMEOUT": "2",
    "SLOW_SECONDS": "0.5",
    "MAIL_RETRY_SECONDS": "1",
    "MAIL_RETRY_MOST_SECONDS": "5",
    "SMTP_PAUSE_MOST_SECONDS": "5",
    "SMTP_TIMEOUT_SECONDS": "5",
    "SHOP_LONGEST_PAUSE": "1",
}
"""What differs from a shop's defaults; the report says so."""


DISK_MIB = {"postgres": 400, "nats": 64}
"""Enough to start with, and soon full."""


class Impossible(Exception):
    """This machine does not allow what a scenario needs; says what."""


@dataclass(frozen=True)
class Ground:
    """What kind of shop a scenario wants."""

    name: str = "one of each"
    settings: Mapping[str, str] = field(default_factory=dict)
    replicas: Mapping[str, int] = field(default_factory=dict)
    nodes: Nodes = field(default_factory=Nodes)
    wired: bool = True
    disk: str = ""
    """`postgres` or `nats`: that server's folder is a small disk of its own."""
    second: str = ""
    """A folder with another release: its code is what every second replica runs."""


@dataclass(frozen=True)
class WiredPlan(Plan):
    """The plan with the services' addresses of servers replaced by their wires'."""

    wires: tuple[Link, ...] = ()
    second: str = ""

    @cached_property
    def programs(self) -> list[Program]:
        known = [of_release(each, self.second) for each in super().programs]
        postgres = Postgres(self.layout, self.passwords)
        for program in known:
            service = program.name.split("-")[0]
            if service in SERVICES:
                file = self.layout.settings(program.name)
                text = file.read_text().replace(postgres.nearest, self.layout.address("postgres"))
                write_private(file, rewired(text, service, self.wires))
        mails = self.layout.settings("smtp")
        ledger = self.layout.private("smtp") / "ledger.jsonl"
        write_private(mails, f'{mails.read_text()}ledger_file = "{ledger}"\n')
        return known


def of_release(program: Program, folder: str) -> Program:
    """A second replica with the code in that folder instead of ours."""
    service, _, number = program.name.partition("-")
    if not folder or service not in SERVICES or number != "2":
        return program
    elsewhere = {"PYTHONPATH": folder, "PYTHONSAFEPATH": "1"}  # not what lies where it is started
    return replace(program, environment={**program.environment, **elsewhere})


def rewired(text: str, service: str, wires: Iterable[Link]) -> str:
    """A settings file in which the service finds each server at the end of its wire."""
    for wire in wires:
        if wire.service == service:
            text = text.replace(f"127.0.0.1:{wire.target}", f"127.0.0.1:{wire.port}")
            text = text.replace(f"smtp_port = {wire.target}\n", f"smtp_port = {wire.port}\n")
    return text


@dataclass(frozen=True)
class WiredStack(Stack):
    """A stack whose services have wires."""

    wires: tuple[Link, ...] = ()
    second: str = ""
    _plans: dict[bool, Plan] = field(default_factory=dict)

    def plan(self, *, bare: bool = False) -> Plan:
        """Made once: it writes the settings, first as a shop has them, and a process may start meanwhile."""
        if bare not in self._plans:
            known = (self.layout, self.passwords, self.replicas, self.nats_sync, bare)
            self._plans[bare] = WiredPlan(*known, wires=self.wires, second=self.second)
        return self._plans[bare]


@dataclass
class Arena:
    """A running shop and what has been done to it."""

    ground: Ground
    stack: Stack
    links: list[Link]
    timeline: Timeline

    @property
    def disk(self) -> Path:
        """The folder of the server that has a disk of its own."""
        return self.stack.home / self.ground.disk

    def wires(self, *, service: str = "", server: str = "") -> list[Link]:
        """Those of a service, or to a server, or both."""
        return [link for link in self.links if service in {"", link.service} and server in {"", link.server}]

    def processes(self, *services: str) -> list[str]:
        """Every replica of these services, or of all."""
        return [
            service if number == 1 else f"{service}-{number}"
            for service in services or SERVICES
            for number in range(1, self.ground.replicas.get(service, 1) + 1)
        ]


@asynccontextmanager
async def small_disk(home: Path, server: str) -> AsyncIterator[None]:
    """A memory disk where that server keeps its files. Raises Impossible."""
    if not server:
        yield
        return
    folder = home / server
    folder.mkdir(mode=0o700, parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB[server]}m,mode=0700", "tmpfs", str(folder)]
    done = await asyncio.to_thread(subprocess.run, mount, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Impossible(f"no small disk can be mounted: {done.stderr.strip()}")
    try:
        yield
    finally:
        await asyncio.to_thread(subprocess.run, ["umount", "--lazy", str(folder)], check=False)


@asynccontextmanager
async def arena(ground: Ground, home: Path, port_base: int) -> AsyncIterator[Arena]:
    """Starts the shop; on leaving nothing of it runs any more."""
    layout = Layout(home, port_base, ground.nodes)
    wires = [Link(service, server, layout.port(server)) for service, server in WIRES] if ground.wired else []
    async with opened(wires) as links, small_disk(home, ground.disk):
        stack = WiredStack(
            home=home,
            port_base=port_base,
            replicas=ground.replicas,
            environment=SETTINGS | dict(ground.settings),
            nodes=ground.nodes,
            wires=tuple(links),
            second=ground.second,
        )
        try:
            await asyncio.to_thread(stack.start, tied=True)
            yield Arena(ground, stack, links, Timeline(began=time.monotonic()))
        finally:
            for link in links:
                link.mend()
            await asyncio.to_thread(stack.stop)
