"""SIGTERM to real processes: within ten seconds each is gone, and nothing that was begun is lost."""

import asyncio
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import psutil
import pytest
import pytest_asyncio

from deploy.audit.books import Books, ledger_of
from deploy.client import API, Customer, Shop, until
from deploy.embedded.services import present
from deploy.embedded.stack import Stack
from tests.e2e.leaving import Client, gone, statuses
from tests.e2e.surviving import killed_and_back
from tests.servers import free_base
from tests.support import eventually

pytestmark = pytest.mark.embedded
in_one_loop = pytest.mark.asyncio(loop_scope="module")

LONGEST = 20.0
"""Whoever is told to stop is killed after half of it: the rest is for a machine that holds it up. Who hangs
does so for ever."""
LINGERS = 5.0
"""So long a port stays open where we look whether it is: on a busy machine two seconds are soon over."""
STREAMS = 500
TOKENS = ("tok_ok", "tok_decline", "tok_slow")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(
        home=Path(tmp_path_factory.mktemp("stopping")),
        port_base=free_base(),
        replicas=dict.fromkeys(present(), 2),
        environment={
            "CODES_PER_HOUR": "1000",
            "STREAMS_PER_ACCOUNT": "600",
            "SLOW_SECONDS": "2",
            "ACCESS_SECONDS": "7200",
            "DEADLINE": "300",
        },
    )
    made.start(tied=True)
    yield made
    made.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(stack: Stack) -> AsyncIterator[Client]:
    async with Shop.at(stack.url("edge"), stack.url("mail_api"), connections=300) as shop:
        yield await Client.of(shop)


@asynccontextmanager
async def exact(stack: Stack, client: Client) -> AsyncIterator[None]:
    """Every purchase that was accepted inside is settled, and every book agrees."""
    yield

    async def closed() -> bool | None:
        return await books.are_closed() or None

    books = Books(stack.database_urls, ())
    await until(closed, seconds=180)
    ledger = await ledger_of(client.shop.session, stack.url("psp"))
    assert await Books(stack.database_urls, ledger).violations() == []
    assert sum((await books.outcomes()).values()) == client.accepted


async def stopped(stack: Stack, names: Iterable[str]) -> dict[str, float]:
    """Tells all of them to stop; seconds until each was gone."""
    processes = {name: psutil.Process(stack.pid(name)) for name in names}
    began = time.monotonic()
    for process in processes.values():
        process.send_signal(signal.SIGTERM)
    waiting = {name: asyncio.ensure_future(gone(process, LONGEST)) for name, process in processes.items()}
    await asyncio.wait(waiting.values())
    return {name: each.result() - began for name, each in waiting.items()}


async def back(stack: Stack, names: Iterable[str]) -> None:
    """The supervisor has started them anew, and they are ready."""
    for name in names:
        await asyncio.to_thread(stack.wait_ready, name, 120)


async def lingering(stack: Stack, name: str) -> None:
    """Starts it anew, to keep its port open for long at its next stop; after that all is as before."""
    stack.program(name)  # planning writes the settings: not once we have changed them
    file = stack.layout.settings(name)
    before = file.read_text()
    file.write_text(f"{before}leave_seconds = {LINGERS}\n")
    await killed_and_back(stack, name)
    await back(stack, [name])
    file.write_text(before)


@in_one_loop
async def test_every_service_in_turn_under_load_and_nobody_notices(
    stack: Stack, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    """Behind the edge, by clients that ask once: nothing is refused, nothing is lost, no stream has a gap."""
    took: dict[str, float] = {}
    async with exact(stack, client), client.loaded(buyers=8, tokens=TOKENS) as load:
        for number in ("-2", ""):
            names = [f"{service}{number}" for service in present()]
            for name in names:
                took |= await stopped(stack, [name])
            await back(stack, names)
    with capsys.disabled():
        slowest = max(took, key=lambda name: took[name])
        sys.stdout.write(
            f"\n{len(took)} processes stopped, the slowest ({slowest}) within {took[slowest]:.1f} s; "
            f"{load.asked} requests, {load.bought} purchases, {load.streams} streams: "
            f"{len(load.failed)} failed\n"
        )
    assert load.failed == []
    assert load.gaps == []
    assert load.bought > 20
    assert statuses(stack)["0"] == len(took), statuses(stack)
    assert set(statuses(stack)) == {"0"}


@in_one_loop
async def test_five_hundred_streams_end_each_with_a_retry_of_its_own(stack: Stack, client: Client) -> None:
    await lingering(stack, "purchase-2")
    port = stack.program("purchase-2").port
    url = f"http://127.0.0.1:{port}{API}/purchases/events"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        streams = [
            await session.get(url, headers=client.owner.headers, timeout=aiohttp.ClientTimeout())
            for _ in range(STREAMS)
        ]
        assert {each.status for each in streams} == {200}
        process = psutil.Process(stack.pid("purchase-2"))
        async with session.get(f"http://127.0.0.1:{port}/readyz"):  # who asks is told before it is closed
            pass
        process.send_signal(signal.SIGTERM)
        first = await asyncio.wait_for(streams[0].text(), LONGEST)
        async with session.get(url, headers=client.owner.headers) as late:  # the port is open still
            assert (late.status, late.headers["Retry-After"]) == (503, "1")
            assert late.headers["Connection"] == "close"
            assert (await late.json(content_type=None))["code"] == "stopping"
        async with session.get(f"http://127.0.0.1:{port}/readyz") as probe:
            assert (probe.status, (await probe.json())["status"]) == (503, "stopping")
        process.send_signal(signal.SIGTERM)  # once more changes nothing
        others = await asyncio.wait_for(asyncio.gather(*(each.text() for each in streams[1:])), LONGEST)
        await gone(process, LONGEST)
    lines = [[line for line in text.splitlines() if line] for text in (first, *others)]
    assert all(line[-1].startswith("retry: ") for line in lines), lines[0]
    assert all(sum(each.startswith("retry: ") for each in line) == 2 for line in lines)
    retries = sorted(int(line[-1].partition(": ")[2]) for line in lines)
    assert (retries[0] >= 500, retries[-1] <= 4000) == (True, True)
    seconds = Counter(each // 500 for each in retries)
    assert max(seconds.values()) < STREAMS / 3, f"they come back together: {seconds}"
    await back(stack, ["purchase-2"])


@in_one_loop
@pytest.mark.parametrize("servers", [("nats", "redis"), ("postgres",)], ids="-".join)
async def test_while_servers_are_away(
    stack: Stack, client: Client, servers: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Every service at once, with purchases accepted just before."""
    before = statuses(stack)
    names = [f"{service}{number}" for service in present() for number in ("", "-2")]
    async with exact(stack, client):
        for _ in range(5):
            await client.buy()
        for server in servers:
            await asyncio.to_thread(stack.stop_process, server)
        try:
            if "postgres" not in servers:
                await client.buy()
            took = await stopped(stack, names)
        finally:
            for server in servers:
                await asyncio.to_thread(stack.start_process, server, 120)
        await back(stack, names)
    with capsys.disabled():
        sys.stdout.write(f"\nwithout {', '.join(servers)}: the slowest within {max(took.values()):.1f} s\n")
    assert statuses(stack) - before == Counter({"0": len(names)})


@in_one_loop
async def test_a_slow_provider_is_waited_for_and_a_slow_upload_told_to_come_again(
    stack: Stack, client: Client
) -> None:
    async with exact(stack, client):
        bought = [await client.buy(token="tok_slow") for _ in range(3)]
        await eventually(lambda: asked(stack, client, bought))
        product = client.products[0]
        with uploading(stack, client.owner, product) as upload:
            took = await stopped(stack, ["payment", "payment-2", "media"])
            answer = await asyncio.to_thread(upload.recv, 4096)
        assert b" 503 " in answer.partition(b"\r\n")[0]
        assert b"retry-after: 1" in answer.lower()
        assert b'"code":"stopping"' in answer
        assert max(took["payment"], took["payment-2"]) < took["media"], "an upload would take for ever"
        await back(stack, ["payment", "payment-2", "media"])
        ends = [await client.owner.outcome(each) for each in bought]
    assert [each.type for each in ends] == ["completed"] * 3
    assert "POST /api/v1/media/upload is cut off by the stop" in (stack.layout.log("media")).read_text()


async def asked(stack: Stack, client: Client, purchases: list[str]) -> bool:
    ledger = await ledger_of(client.shop.session, stack.url("psp"))
    return set(purchases) <= {entry.authorization for entry in ledger}


def uploading(stack: Stack, owner: Customer, product: str) -> socket.socket:
    """The first part of a form whose rest never comes."""
    connection = socket.create_connection(("127.0.0.1", stack.program("media").port), timeout=LONGEST)
    part = f'--x\r\nContent-Disposition: form-data; name="product_id"\r\n\r\n{product}\r\n'
    head = (
        f"POST {API}/media/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        f"Authorization: {owner.headers['Authorization']}\r\nContent-Length: 100000\r\n\r\n"
    )
    connection.sendall((head + part).encode())
    return connection
