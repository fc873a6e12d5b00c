"""Bare stacks of these tests' own: they kill what others only use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.stack import Stack
from tests.servers import free_base


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Postgres, NATS, Redis and the mail catcher, running."""
    stack = Stack(tmp_path_factory.mktemp("bare"), free_base())
    stack.start(bare=True, tied=True)
    yield stack
    stack.stop()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cluster for all tests that start and stop, so that only the first of them makes it."""
    return tmp_path_factory.mktemp("idle")


@pytest.fixture
def idle(home: Path) -> Iterator[Stack]:
    """A stack that does not run; whatever the test leaves running is stopped."""
    stack = Stack(home, free_base())
    yield stack
    stack.stop()
