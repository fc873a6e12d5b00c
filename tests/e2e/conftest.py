"""Whole shops: in the test's loop for what needs its own settings, as processes for what a user would see."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.whole import Whole, whole
from tests.servers import Servers

Open = Callable[..., AbstractAsyncContextManager[Whole]]


@pytest.fixture
def a_shop(servers: Servers, nats_url: str, tmp_path: Path) -> Open:
    """`async with a_shop(replicas=2, purchase={"deadline": 1}) as shop`."""
    return partial(whole, servers, tmp_path)
