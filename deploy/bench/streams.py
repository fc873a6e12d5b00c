"""Event streams that are open and silent: what one costs, and what they cost the purchases beside them.

A stream is a bare socket, so that the load generator holds many. Each has an account of its own, which exists
only in its token, signed with the stack's own key: nobody has to register ten thousand customers to watch
nothing.
"""

import asyncio
import resource
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import uuid4

import jwt
import msgspec
import psutil

from account.keys import read
from common.files import open_many
from common.http.claims import ALGORITHM, Claims
from common.ids import new_id
from deploy.bench.load import gather_some
from deploy.client import API, Json, Unexpected
from deploy.embedded.errors import Misconfigured
from deploy.embedded.passwords import signing_key
from deploy.embedded.stack import Stack

PER_SOURCE = 20_000
"""One address has some 28,000 ports for connections to one other port."""
AT_ONCE = 100
SPARE = 500
"""Descriptors of a process for everything else."""
TOKEN_SECONDS = 600

Address = tuple[str, int]


@dataclass
class Held:
    """What is open."""

    streams: list["Silent"]
    seconds: float

    @property
    def lost(self) -> int:
        return sum(stream.is_lost for stream in self.streams)


class Silent(asyncio.Protocol):
    """Says its request, looks whether it is granted, and throws everything else away."""

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        if self.granted.done():
            return
        if data.startswith(b"HTTP/1.1 200 "):
            self.granted.set_result(None)
        else:
            self.granted.set_exception(Unexpected(f"a stream was answered {data[:200]!r}"))

    def connection_lost(self, _: Exception | None) -> None:
        self.is_lost = True
        if not self.granted.done():
            self.granted.set_exception(Unexpected("a stream was closed unanswered"))


@asynccontextmanager
async def held(stack: Stack, count: int, *, direct: bool) -> AsyncIterator[Held]:
    """Inside, so many are open: at the edge, or directly at the processes that serve them."""
    require_room(stack, count, direct=direct)
    addresses = purchase_addresses(stack) if direct else [edge_address(stack)]
    tokens, began = minted(stack, count), time.perf_counter()
    streams: list[Silent] = await gather_some(
        AT_ONCE,
        [
            lambda n=n, token=token: opened(token, addresses[n % len(addresses)], n // PER_SOURCE)
            for n, token in enumerate(tokens)
        ],
    )
    try:
        yield Held(streams, time.perf_counter() - began)
    finally:
        for stream in streams:
            stream.transport.abort()


async def opened(token: str, address: Address, source: int) -> Silent:
    head = f"GET {API}/purchases/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    _, stream = await asyncio.get_running_loop().create_connection(
        lambda: Silent(head.encode()), *address, local_addr=(f"127.0.0.{1 + source}", 0)
    )
    await stream.granted
    return stream


def minted(stack: Stack, count: int) -> list[str]:
    """Access tokens of so many accounts that nobody has registered."""
    keys, now = read(signing_key(stack.layout)), time.time()
    key = next((each for each in reversed(keys) if each.signs_from <= now), keys[0])
    return [
        jwt.encode(claims(int(now)), key.private, algorithm=ALGORITHM, headers={"kid": key.kid})
        for _ in range(count)
    ]


def claims(now: int) -> Json:
    said = Claims(
        iss="shop",
        aud="shop",
        sub=new_id(),
        sid=new_id(),
        jti=str(uuid4()),
        iat=now,
        exp=now + TOKEN_SECONDS,
        use="access",
        ver=1,
        role="customer",
        verified=True,
    )
    return dict(msgspec.to_builtins(said))


def edge_address(stack: Stack) -> Address:
    edge = urlsplit(stack.url("edge"))
    assert edge.port is not None
    return "127.0.0.1", edge.port


def serving(stack: Stack) -> dict[str, Mapping[str, object]]:
    return {name: each for name, each in stack.processes().items() if name.partition("-")[0] == "purchase"}


def purchase_addresses(stack: Stack) -> list[Address]:
    return [("127.0.0.1", int(str(each["port"]))) for each in serving(stack).values()]


def require_room(stack: Stack, count: int, *, direct: bool) -> None:
    """This process takes all the descriptors that it may have. Raises Misconfigured when any has too few."""
    own = open_many()
    replicas = serving(stack)
    wanted = dict.fromkeys(replicas, -(-count // len(replicas))) | ({} if direct else {"traefik": 2 * count})
    found = {name: limit(stack.pid(name)) for name in wanted} | {"the bench": own}
    short = [name for name, most in (wanted | {"the bench": count}).items() if found[name] < most + SPARE]
    if short:
        told = ", ".join(f"{name} {found[name]}" for name in short)
        raise Misconfigured(f"{count} streams need more open files than may be open here ({told}): ulimit -n")


def limit(pid: int) -> int:
    """Open files of a process, at most; where that is not to be had, our own."""
    if sys.platform != "linux":
        return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return int(psutil.Process(pid).rlimit(psutil.RLIMIT_NOFILE)[0])


def figures(open_: Held, before: Mapping[str, int], after: Mapping[str, int]) -> Json:
    """What the memory of those that hold the streams has grown by."""
    count = len(open_.streams)
    grown = Counter({name: after[name] - before.get(name, 0) for name in after})
    kib = {
        name: round(size / 1024 / count, 2)
        for name, size in grown.most_common()
        if name.partition("-")[0] in {"purchase", "traefik"}
    }
    return {
        "count": count,
        "opened_per_second": round(count / open_.seconds),
        "pss_kib_per_stream": kib,
        "lost": open_.lost,
    }
