"""Whole shops: in the test's loop for what needs its own settings, as processes for what a user would see."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest

from deploy.bench import exactness
from deploy.embedded import traefik
from tests.e2e.audited import Audited, Tampered, build
from tests.e2e.whole import Whole, whole
from tests.servers import Servers

Open = Callable[..., AbstractAsyncContextManager[Whole]]


@pytest.fixture(autouse=True, scope="module")
def patience() -> Iterator[None]:
    """For stacks on a busy machine: the edge must not take a process that is held up for one that is down, or
    it has nobody left to ask; and the books may need more than a minute to close."""
    with pytest.MonkeyPatch.context() as patching:
        patching.setitem(traefik.LOOKS, "timeout", "10s")
        patching.setattr(exactness, "SETTLE_SECONDS", 300.0)
        yield


@pytest.fixture(scope="module")
def books(servers: Tampered, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    with servers.databases() as database:
        yield asyncio.run(build(servers, database, tmp_path_factory.mktemp("audited")))


@pytest.fixture
def a_shop(servers: Servers, nats_url: str, tmp_path: Path) -> Open:
    """`async with a_shop(replicas=2, purchase={"deadline": 1}) as shop`."""
    return partial(whole, servers, tmp_path)
