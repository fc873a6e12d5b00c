"""Crashes between the two transactions, and a provider that is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace as with_
from pathlib import Path

import pytest
from msgspec.structs import replace

from common import stopping
from common.contracts.payment import PaymentAuthorized, PaymentCaptured, PaymentVoided
from common.main import Program, Role
from common.postgres.database import Database
from payment.__main__ import program
from payment.gateway import Psp
from payment.model.row import Payment
from payment.settings import PaymentSettings
from tests.integration.payment.wire import Wire
from tests.integration.psp.provider import PspProcess
from tests.support import eventually, free_port, running
from tests.unit.payment.words import authorize, capture, purchase, void

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@asynccontextmanager
async def dying_after_the_first_transaction(settings: PaymentSettings, role: Role) -> AsyncIterator[Program]:
    async with program(settings, role) as whole:
        yield with_(whole, loops=[], finishing=[])


async def statuses(db: Database) -> list[str]:
    async with db.read() as tx:
        return [row["status"] for row in await tx.fetch("SELECT status FROM payments ORDER BY id")]


async def test_what_a_crash_left_unasked_is_asked_by_the_next(
    settings: PaymentSettings, wire: Wire, psp: PspProcess, db: Database
) -> None:
    bought = [purchase() for _ in range(20)]
    async with running(settings, dying_after_the_first_transaction):
        await wire.say(*(authorize(each) for each in bought), traceparent=TRACE)
        await eventually(lambda: all_are(db, "AUTHORIZING", 20))
    assert psp.entries(each.id for each in bought) == []
    async with running(replace(settings, port=free_port()), program):
        for each in bought:
            assert isinstance(await wire.reply(authorize(each)), PaymentAuthorized)
    assert all(psp.moves(each.id) == [("authorized", 500)] for each in bought)
    assert set(wire.traces.values()) == {TRACE}


async def all_are(db: Database, status: str, count: int) -> bool:
    return await statuses(db) == [status] * count


async def test_an_answer_lost_by_a_stop_is_asked_for_at_once_by_the_next(
    settings: PaymentSettings,
    wire: Wire,
    psp: PspProcess,
    db: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At once: the lease would end after fourteen minutes."""
    bought, asked = purchase(), Psp.authorize

    async def lost(provider: Psp, payment: Payment) -> None:
        await asked(provider, payment)
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(Psp, "authorize", lost)
        patched.setattr(stopping, "AGAIN_SECONDS", 10.0)  # to hand the question on, on a busy machine
        async with running(replace(settings, provider_timeout=600, graceful_seconds=1.1), program):
            await wire.say(authorize(bought))
            await eventually(lambda: psp.moves(bought.id))
    assert await statuses(db) == ["AUTHORIZING"]
    async with running(replace(settings, port=free_port()), program):
        assert isinstance(await wire.reply(authorize(bought)), PaymentAuthorized)
    assert psp.moves(bought.id) == [("authorized", 500)]


async def test_closing_commands_survive_a_crash_too(
    settings: PaymentSettings, wire: Wire, psp: PspProcess, db: Database
) -> None:
    taken, given_back = purchase(), purchase()
    async with running(settings, program):
        await wire.say(authorize(taken), authorize(given_back))
        await wire.reply(authorize(taken))
        await wire.reply(authorize(given_back))
    async with running(replace(settings, port=free_port()), dying_after_the_first_transaction):
        await wire.say(capture(taken), void(given_back))
        await eventually(lambda: asking(db, 2))
    async with running(replace(settings, port=free_port()), program):
        assert isinstance(await wire.reply(capture(taken)), PaymentCaptured)
        assert isinstance(await wire.reply(void(given_back)), PaymentVoided)
    assert psp.moves(taken.id) == [("authorized", 500), ("captured", 500)]
    assert psp.moves(given_back.id) == [("authorized", 500), ("voided", 500)]


async def asking(db: Database, count: int) -> bool:
    async with db.read() as tx:
        return bool(await tx.value("SELECT count(*) FROM payments WHERE next_call_at IS NOT NULL") == count)


async def test_a_provider_that_is_away_declines_nothing(
    settings: PaymentSettings, wire: Wire, tmp_path: Path, db: Database
) -> None:
    away = PspProcess(tmp_path / "ledger.jsonl")
    bought = [purchase() for _ in range(40)]
    async with running(replace(settings, psp_url=away.url), program):
        await wire.say(*(authorize(each) for each in bought))
        await eventually(lambda: asked_in_vain(db, 40))
        assert wire.heard == []
        away.start()
        try:
            for each in bought:
                assert isinstance(await wire.reply(authorize(each)), PaymentAuthorized)
        finally:
            away.stop()
    assert all(away.moves(each.id) == [("authorized", 500)] for each in bought)


async def asked_in_vain(db: Database, count: int) -> bool:
    async with db.read() as tx:
        return bool(await tx.value("SELECT count(*) FROM payments WHERE calls > 1") == count)


async def test_without_an_answer_for_too_long_it_is_a_matter_for_a_human(
    settings: PaymentSettings, wire: Wire, tmp_path: Path, db: Database
) -> None:
    away = PspProcess(tmp_path / "ledger.jsonl")
    bought = purchase()
    async with running(replace(settings, psp_url=away.url, attention_hours=0.5 / 3600), program):
        await wire.say(authorize(bought), void(bought))
        await eventually(lambda: all_are(db, "ATTENTION", 1))
    assert wire.heard == []


async def test_repeated_commands_do_not_put_off_the_next_question(
    settings: PaymentSettings, wire: Wire, db: Database
) -> None:
    bought = purchase()
    async with running(replace(settings, provider_timeout=60), dying_after_the_first_transaction):
        await wire.say(authorize(bought))
        await eventually(lambda: asking(db, 1))
        first = await next_call(db)
        await wire.say(authorize(replace(bought, attempt=1)))
        await eventually(lambda: heard_attempt(db, 1))
        assert await next_call(db) == first


async def next_call(db: Database) -> object:
    async with db.read() as tx:
        return await tx.value("SELECT next_call_at FROM payments")


async def heard_attempt(db: Database, attempt: int) -> bool:
    question = "SELECT (unanswered #> '{authorize,purchase,attempt}')::int FROM payments"
    async with db.read() as tx:
        return bool(await tx.value(question) == attempt)
