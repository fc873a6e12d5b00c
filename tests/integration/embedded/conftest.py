"""Bare stacks of these tests' own: they kill what others only use."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.layout import SPAN
from deploy.embedded.ports import is_free
from deploy.embedded.stack import Stack


def free_base() -> int:
    """A hundred free ports, rarely the same for two test runs at once."""
    bases = list(range(12_000, 22_000, SPAN))
    random.shuffle(bases)
    return next(base for base in bases if all(is_free(base + offset) for offset in range(SPAN)))


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
