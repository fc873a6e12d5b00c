"""A provider that is away is left alone; nothing that a customer sends makes it look so."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from msgspec.structs import replace

from common.breaker import Open
from common.ids import new_id
from payment import gateway
from payment.__main__ import program
from payment.gateway import Psp
from payment.model.answers import Authorized, Declined, Unknown
from payment.model.row import Payment, Status
from payment.settings import PaymentSettings
from tests.integration.payment.wire import Wire
from tests.integration.psp.provider import PspProcess
from tests.support import eventually, running
from tests.unit.payment.words import authorize, purchase

TIMEOUT = 0.5
AWAY = Unknown("the provider is away")


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[PspProcess]:
    process = PspProcess(tmp_path / "ledger.jsonl").start()
    yield process
    process.stop(signal.SIGKILL)


@pytest.fixture
async def gate(provider: PspProcess) -> AsyncIterator[Psp]:
    async with gateway.connect(provider.url, timeout=TIMEOUT, limit=8) as connected:
        yield connected


def payment(token: str | None = None, **changed: object) -> Payment:
    made = Payment(
        id=new_id(),
        account_id=new_id(),
        amount=100,
        currency_code="VND",
        method="credit_card",
        installments=1,
        token=token,
        status=Status.AUTHORIZING,
    )
    return replace(made, **changed)


async def ask(gate: Psp, token: str | None = None, times: int = 1, **changed: object) -> list[object]:
    return await asyncio.gather(*(gate.authorize(payment(token, **changed)) for _ in range(times)))


async def until_answered(gate: Psp) -> None:
    """Within the timeout, which on a busy machine is not the first time."""

    async def answered() -> bool:
        return await ask(gate) == [Authorized()]

    await eventually(answered, every=0.1)


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks for the provider waits: on a busy machine it is late, and not away."""
    monkeypatch.setattr(gateway, "LOOK", aiohttp.ClientTimeout(total=30))


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("token", ["tok_error_after", "tok_timeout_after", "tok_nobody_knows", "x" * 5000])
async def test_no_token_opens_it_to_the_harm_of_others(gate: Psp, token: str) -> None:
    """Not even with every connection but one hanging."""
    failed, _ = await asyncio.gather(ask(gate, token, times=24), ask(gate, token, times=8))
    assert not [answer for answer in failed if answer == AWAY]
    await gate.reachable()
    await until_answered(gate)


@pytest.mark.usefixtures("unhurried")
async def test_refused_questions_and_declined_cards_do_not_either(provider: PspProcess) -> None:
    async with gateway.connect(provider.url, timeout=30, limit=8) as gate:
        assert {type(each) for each in await ask(gate, amount=-5, times=10)} == {Unknown}, "a 4xx"
        assert {type(each) for each in await ask(gate, "tok_decline", times=10)} == {Declined}
        assert await ask(gate) == [Authorized()]
        await gate.reachable()


async def test_an_outage_opens_it_and_recovery_closes_it(provider: PspProcess, gate: Psp) -> None:
    provider.stop(signal.SIGKILL)
    assert isinstance((await ask(gate))[0], Unknown)
    assert await ask(gate, times=20) == [AWAY] * 20
    with pytest.raises(Open):
        await gate.reachable()
    provider.start()
    await until_answered(gate)
    await gate.reachable()


async def test_a_provider_that_hangs_costs_one_timeout_and_not_one_for_each(
    provider: PspProcess, gate: Psp
) -> None:
    await until_answered(gate)
    provider.signal(signal.SIGSTOP)
    try:
        await ask(gate)
        began = time.monotonic()
        assert [await ask(gate) for _ in range(20)] == [[AWAY]] * 20
        assert time.monotonic() - began < 20, "forty, if each of them looked"
    finally:
        provider.signal(signal.SIGCONT)
    await until_answered(gate)


async def test_readiness_tells_and_says_degraded(settings: PaymentSettings, wire: Wire) -> None:
    """For rows wait, and nothing is lost."""
    away = replace(settings, psp_url="http://127.0.0.1:1")
    async with running(away, program) as url, aiohttp.ClientSession(url) as client:
        await wire.say(authorize(purchase()))

        async def told() -> bool:
            async with client.get("/readyz") as response:
                ready = await response.json()
            assert (response.status, ready["status"]) == (200, "degraded")
            assert ready["checks"]["provider"] == {"ok": False, "error": "Open"}
            return True

        await eventually(told)
