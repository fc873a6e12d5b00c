"""Authorize, capture and void through the real broker, database and provider."""

import asyncio

import pytest
from msgspec.structs import replace

from common.contracts.payment import PaymentAuthorized, PaymentCaptured, PaymentDeclined, PaymentVoided
from common.postgres.database import Database
from payment.__main__ import program
from payment.gateway import Psp
from payment.model.answers import Authorized, Declined, Unknown
from payment.model.row import Payment
from payment.settings import PaymentSettings
from tests.integration.payment.wire import Wire
from tests.integration.psp.provider import PspProcess
from tests.support import eventually, free_port, running
from tests.unit.payment.words import authorize, capture, purchase, void

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
HOLDING = ("tok_ok", None, "tok_slow", "tok_timeout_after", "tok_error_after")
DECLINED = {"tok_decline": "card_declined", "tok_stolen": "unknown_token"}


async def status(db: Database, payment_id: object) -> str | None:
    async with db.read() as tx:
        found: str | None = await tx.value("SELECT status FROM payments WHERE id = $1", payment_id)
        return found


async def test_a_payment_is_held_then_taken(settings: PaymentSettings, wire: Wire, psp: PspProcess) -> None:
    bought = purchase(total=1234)
    async with running(settings, program):
        await wire.say(authorize(bought), traceparent=TRACE)
        assert isinstance(await wire.reply(authorize(bought)), PaymentAuthorized)
        assert psp.moves(bought.id) == [("authorized", 1234)]
        await wire.say(capture(bought), traceparent=TRACE)
        assert isinstance(await wire.reply(capture(bought)), PaymentCaptured)
    assert psp.moves(bought.id) == [("authorized", 1234), ("captured", 1234)]
    assert set(wire.traces.values()) == {TRACE}
    assert {reply.purchase for reply in wire.heard} == {bought}


async def test_each_token_holds_once_or_not_at_all(
    settings: PaymentSettings, wire: Wire, psp: PspProcess
) -> None:
    bought = {token: purchase(payment_token=token) for token in (*HOLDING, *DECLINED)}
    async with running(replace(settings, provider_timeout=0.8), program):
        await wire.say(*(authorize(each) for each in bought.values()))
        replies = {token: await wire.reply(authorize(each)) for token, each in bought.items()}
    for token in HOLDING:
        assert isinstance(replies[token], PaymentAuthorized), token
        assert psp.moves(bought[token].id) == [("authorized", 500)]
    for token, reason in DECLINED.items():
        reply = replies[token]
        assert isinstance(reply, PaymentDeclined)
        assert reply.reason == reason
        assert psp.moves(bought[token].id) == [("declined", 0)]


async def test_above_the_limit_it_is_declined(settings: PaymentSettings, wire: Wire, psp: PspProcess) -> None:
    bought = purchase(total=1_000_001)
    async with running(settings, program):
        await wire.say(authorize(bought))
        reply = await wire.reply(authorize(bought))
    assert isinstance(reply, PaymentDeclined)
    assert reply.reason == "limit_exceeded"


async def test_copies_and_new_attempts_hold_and_take_once(
    settings: PaymentSettings, wire: Wire, psp: PspProcess, db: Database
) -> None:
    bought = purchase()
    again = replace(bought, attempt=1)
    async with running(settings, program):
        await wire.say(authorize(bought), authorize(bought))
        await wire.reply(authorize(bought))
        await wire.say(authorize(bought), copy=1)
        await wire.say(authorize(again), authorize(replace(bought, attempt=2)))
        assert isinstance(await wire.reply(authorize(again)), PaymentAuthorized)
        await wire.say(capture(bought))
        await wire.reply(capture(bought))
        await wire.say(capture(bought), copy=2)
        await wire.say(capture(again))
        assert isinstance(await wire.reply(capture(again)), PaymentCaptured)
    assert psp.moves(bought.id) == [("authorized", 500), ("captured", 500)]
    assert len(wire.by_id) == await said(db) == 5


async def said(db: Database) -> int:
    """Written once, however often it is published."""
    async with db.read() as tx:
        count: int = await tx.value("SELECT count(*) FROM outbox")
        return count


async def test_a_void_gives_the_hold_back(settings: PaymentSettings, wire: Wire, psp: PspProcess) -> None:
    bought = purchase()
    async with running(settings, program):
        await wire.say(authorize(bought))
        await wire.reply(authorize(bought))
        await wire.say(void(bought))
        assert isinstance(await wire.reply(void(bought)), PaymentVoided)
        await wire.say(void(replace(bought, attempt=1)), authorize(replace(bought, attempt=1)))
        assert isinstance(await wire.reply(void(replace(bought, attempt=1))), PaymentVoided)
        refusal = await wire.reply(authorize(replace(bought, attempt=1)))
    assert isinstance(refusal, PaymentDeclined)
    assert refusal.reason == "cancelled"
    assert psp.moves(bought.id) == [("authorized", 500), ("voided", 500)]


async def test_a_void_that_comes_first_keeps_the_provider_out_of_it(
    settings: PaymentSettings, wire: Wire, psp: PspProcess
) -> None:
    bought = purchase()
    async with running(settings, program):
        await wire.say(void(bought))
        assert isinstance(await wire.reply(void(bought)), PaymentVoided)
        await wire.say(authorize(bought))
        refusal = await wire.reply(authorize(bought))
    assert isinstance(refusal, PaymentDeclined)
    assert refusal.reason == "cancelled"
    assert psp.moves(bought.id) == []


async def test_a_void_during_the_call_is_confirmed_only_when_nothing_is_held(
    settings: PaymentSettings,
    wire: Wire,
    psp: PspProcess,
    db: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Which ends when both voids are there, however long that takes."""
    bought, asked, voids_are_there = purchase(), Psp.authorize, asyncio.Event()

    async def slow(provider: Psp, payment: Payment) -> Authorized | Declined | Unknown:
        answer = await asked(provider, payment)
        await voids_are_there.wait()
        return answer

    monkeypatch.setattr(Psp, "authorize", slow)
    async with running(settings, program):
        await wire.say(authorize(bought))
        await eventually(lambda: psp.moves(bought.id))
        await wire.say(void(bought), void(replace(bought, attempt=1)))
        await eventually(lambda: cancel_requested(db, bought.id, attempt=1))
        assert wire.heard == []
        voids_are_there.set()
        await wire.reply(void(replace(bought, attempt=1)))
    assert psp.moves(bought.id) == [("authorized", 500), ("voided", 500)]
    assert [type(reply) for reply in wire.heard] == [PaymentDeclined, PaymentVoided]


async def cancel_requested(db: Database, payment_id: object, *, attempt: int) -> bool:
    question = "SELECT (unanswered #> '{void,purchase,attempt}')::int FROM payments WHERE id = $1"
    async with db.read() as tx:
        return bool(await tx.value(question, payment_id) == attempt)


async def test_two_replicas_share_the_work_and_repeat_none_of_it(
    settings: PaymentSettings, wire: Wire, psp: PspProcess
) -> None:
    bought = [purchase() for _ in range(60)]
    commands = [authorize(each) for each in bought]
    other = replace(settings, port=free_port(), batch_size=7)
    async with running(replace(settings, batch_size=7), program), running(other, program):
        await asyncio.gather(wire.say(*commands), wire.say(*commands, copy=1), wire.say(*commands, copy=2))
        for command in commands:
            assert isinstance(await wire.reply(command), PaymentAuthorized)
    assert all(psp.moves(each.id) == [("authorized", 500)] for each in bought)


async def test_a_capture_that_the_provider_refuses_is_a_matter_for_a_human(
    settings: PaymentSettings, wire: Wire, psp: PspProcess, db: Database
) -> None:
    bought = purchase()
    async with running(settings, program):
        await wire.say(authorize(bought))
        await wire.reply(authorize(bought))
        psp.tell("voids", f"{bought.id}:elsewhere", {"authorization": str(bought.id)})
        await wire.say(capture(bought))
        await eventually(lambda: is_status(db, bought.id, "ATTENTION"))
    assert f"{capture(bought).id}:r" not in wire.by_id


async def is_status(db: Database, payment_id: object, wanted: str) -> bool:
    return await status(db, payment_id) == wanted


async def test_three_hundred_mixed_payments_are_exact_in_the_ledger(
    settings: PaymentSettings, wire: Wire, psp: PspProcess
) -> None:
    tokens = ["tok_ok", "tok_ok", "tok_decline", "tok_error_after", None, "tok_stolen"]
    bought = [purchase(total=100 + i, payment_token=tokens[i % 6]) for i in range(300)]
    taken, given_back = bought[:150], bought[150:]
    async with running(settings, program):
        await wire.say(*(authorize(each) for each in bought))
        answers = [await wire.reply(authorize(each)) for each in bought]
        held = {answer.purchase.id for answer in answers if isinstance(answer, PaymentAuthorized)}
        closing = [capture(each) for each in taken if each.id in held] + [void(each) for each in given_back]
        await wire.say(*closing)
        await wire.say(*closing, copy=1)
        for command in closing:
            await wire.reply(command)
    assert held == {each.id for each in bought if each.payment_token not in {"tok_decline", "tok_stolen"}}
    entries = psp.entries(each.id for each in bought)
    amounts = {kind: sum(each.amount for each in entries if each.status == kind) for kind in MOVED}
    assert amounts == {
        "authorized": sum(each.total for each in bought if each.id in held),
        "captured": sum(each.total for each in taken if each.id in held),
        "voided": sum(each.total for each in given_back if each.id in held),
    }
    assert len([each for each in entries if each.status in MOVED and each.amount]) == 2 * len(held)


MOVED = ("authorized", "captured", "voided")
