"""One shop for every module of security tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.security.cast import Cast, cast
from tests.security.outbound import watched
from tests.servers import Servers


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--examples", type=int, default=None, help="schemathesis: how many cases per route")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cast]:
    with watched() as reached:
        async with cast(servers, Path(tmp_path_factory.mktemp("cast"))) as opened:
            opened.reached = reached
            yield opened
