"""The real stack, one process of each service, and Chromium in front of it."""

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.async_api import Page, ViewportSize, async_playwright, expect

from deploy.client import Shop
from deploy.embedded.stack import Stack
from tests.browser import chromium
from tests.servers import free_base

PATIENCE_MS = 30_000
WIDE = ViewportSize(width=1280, height=900)
NARROW = ViewportSize(width=390, height=844)

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def browser_path() -> str:
    return chromium.executable()


@pytest.fixture(scope="module")
def stack(browser_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(
        home=Path(tmp_path_factory.mktemp("stack")),
        port_base=free_base(),
        environment={
            "CODES_PER_HOUR": "1000",
            "SLOW_SECONDS": "0.5",
            "PROVIDER_TIMEOUT": "120",  # for as long as a test keeps the provider from answering
            "DEADLINE": "600",
        },
    )
    made.start(tied=True)
    yield made
    made.stop()


@pytest.fixture
def provider_goes_on(stack: Stack) -> Iterator[Callable[[], None]]:
    """The provider stands still until it is told to go on: a purchase lasts as long as a test looks at it."""
    pid = stack.pid("psp")
    os.kill(pid, signal.SIGSTOP)
    yield partial(os.kill, pid, signal.SIGCONT)
    os.kill(pid, signal.SIGCONT)


@pytest.fixture
async def shop(stack: Stack) -> AsyncIterator[Shop]:
    async with Shop.at(stack.url("edge"), stack.url("mail_api")) as client:
        yield client


@pytest.fixture
async def page(stack: Stack, browser_path: str) -> AsyncIterator[Page]:
    """Open at `/`. A script that raises, or that the policy of the page refuses, fails the test."""
    trouble: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path, args=chromium.ARGUMENTS)
        made = await browser.new_page(base_url=stack.url("edge"), viewport=WIDE, locale="en-GB")
        made.set_default_timeout(PATIENCE_MS)
        made.on("pageerror", lambda error: trouble.append(str(error)))
        made.on("console", lambda said: trouble.append(said.text) if "Policy" in said.text else None)
        await made.goto("/")
        yield made
        await browser.close()
    assert not trouble


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """`SCREENSHOTS=docs` makes the pictures of the documentation anew."""
    return Path(os.environ.get("SCREENSHOTS") or tmp_path)
