"""The account service behind the real edge: whose address counts, and whose word about it does not."""

import asyncio
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from msgspec.structs import replace

from account import attempts
from account.settings import AccountSettings
from deploy.embedded import traefik
from deploy.embedded.layout import Layout
from tests.integration.account.conftest import serving
from tests.integration.patience import forget_everything, patient
from tests.servers import free_base
from tests.support import eventually

FREE = 4
FORGED = ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X_Forwarded_For", "X-Forwarded-Host"]


@pytest.fixture
async def edge(
    account_settings: AccountSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """Traefik before one replica; it is at 127.0.0.1, as the clients are or near to it."""
    monkeypatch.setattr(attempts, "FIRST_WAIT", 60.0)  # so that a slow machine does not outwait it
    patient(monkeypatch)
    layout = Layout(tmp_path, free_base())
    port = layout.service_port("account")
    settings = replace(account_settings, port=port, tries_per_address=FREE, tries_per_account=100)
    await forget_everything(settings.redis_url)
    async with serving(settings):
        program = traefik.program(layout, {"account": [port]})
        process = await asyncio.create_subprocess_exec(*program.command, stdout=DEVNULL, stderr=DEVNULL)
        try:
            await eventually(lambda: asyncio.to_thread(lambda: not program.ready.complaint()))
            yield f"http://127.0.0.1:{layout.port('edge')}"
        finally:
            process.terminate()
            await process.wait()
            await forget_everything(settings.redis_url)


async def login(client: aiohttp.ClientSession, edge: str, number: int, headers: dict[str, str]) -> int:
    body = {"email": f"{number}@example.com", "password": "wrong"}

    async def status() -> int:
        """0: the replica was late with its health, and for a moment the edge knows of none."""
        async with client.post(f"{edge}/api/v1/account/login", json=body, headers=headers) as response:
            return 0 if response.status == 503 else response.status

    return await eventually(status)


async def test_no_header_gives_a_client_another_address(edge: str) -> None:
    def forged(number: int) -> dict[str, str]:
        address = f"198.51.100.{number}"
        return {name: f"for={address}" if name == "Forwarded" else address for name in FORGED}

    async with aiohttp.ClientSession() as client:
        seen = [await login(client, edge, number, forged(number)) for number in range(FREE + 3)]
    assert seen[:FREE] == [401] * FREE
    assert 429 in seen[FREE:]


async def test_another_client_has_another_address(edge: str) -> None:
    elsewhere = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    async with aiohttp.ClientSession() as here, aiohttp.ClientSession(connector=elsewhere) as there:
        while await login(here, edge, 0, {}) == 401:
            pass
        assert [await login(there, edge, number, {}) for number in range(FREE)] == [401] * FREE
