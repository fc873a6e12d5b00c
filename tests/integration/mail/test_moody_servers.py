"""SMTP servers that refuse, put off, and vanish: every mail once at least, the innocent at once."""

import asyncio
import email
import sys

import aiohttp
import msgspec
import pytest

from common.ids import new_id
from mail.__main__ import program
from mail.sender import MARKED_TOGETHER
from mail.settings import MailSettings
from tests.integration.mail.wire import Moody, Wire, code, mailbox, rows
from tests.support import eventually, running

ALL_DONE = "SELECT 1 WHERE NOT EXISTS (SELECT FROM mails WHERE status = 'queued')"


async def tells_of_one(health: aiohttp.ClientSession) -> bool:
    """A probe that is slow says nothing."""
    async with health.get("/readyz") as response:
        seen = (await response.json())["checks"]["mails"].get("seen", {})
        return bool(seen.get("parked") == 1)


async def test_a_recipient_refused_for_good_is_parked_and_harms_no_other(
    world: Wire, moody: Moody, moody_settings: MailSettings
) -> None:
    bad, good = new_id(), [new_id() for _ in range(3)]
    moody.to_recipient = lambda to: "550 5.1.1 no such user" if to == mailbox(bad) else "250 OK"
    async with running(moody_settings, program) as url, aiohttp.ClientSession(url) as health:
        await world.say(code(bad), *(code(each) for each in good))
        await eventually(lambda: len(moody.taken) == 3)
        await eventually(lambda: rows(moody_settings, "SELECT 1 FROM mails WHERE status = 'parked'"))
        await eventually(lambda: tells_of_one(health))
    parked = await rows(moody_settings, "SELECT about, tries, reason FROM mails WHERE status = 'parked'")
    assert parked == [(bad, 1, "550 5.1.1 no such user")]
    assert {recipient for recipient, _ in moody.taken} == {mailbox(each) for each in good}


@pytest.mark.parametrize("answer", ["451 4.7.1 greylisted", "421 4.3.2 closing"])
async def test_a_mail_that_is_put_off_is_tried_again_and_holds_up_no_other(
    world: Wire, moody: Moody, moody_settings: MailSettings, answer: str
) -> None:
    busy, others = new_id(), [new_id() for _ in range(5)]
    answers = iter([answer, answer])
    moody.to_recipient = lambda to: next(answers, "250 OK") if to == mailbox(busy) else "250 OK"
    await world.say(*(code(each) for each in (busy, *others)))
    async with running(moody_settings, program):
        await eventually(lambda: len(moody.taken) == 6)
        await eventually(lambda: rows(moody_settings, ALL_DONE))
    tries = await rows(moody_settings, "SELECT about, tries FROM mails")
    assert set(tries) == {(busy, 3), *((each, 1) for each in others)}


async def test_a_text_that_is_refused_for_good_is_parked(
    world: Wire, moody: Moody, moody_settings: MailSettings
) -> None:
    moody.to_text = lambda _: "554 5.7.1 spam"
    async with running(moody_settings, program):
        await world.say(code(new_id()))
        await eventually(lambda: rows(moody_settings, "SELECT 1 FROM mails WHERE reason = '554 5.7.1 spam'"))
    assert len(moody.taken) == 1


async def test_a_server_that_vanishes_after_the_text_gets_that_one_again_under_the_same_id(
    world: Wire, moody: Moody, moody_settings: MailSettings
) -> None:
    unlucky, others = new_id(), [new_id() for _ in range(5)]
    answers = iter(["drop"])
    moody.to_text = lambda to: next(answers, "250 OK") if to == mailbox(unlucky) else "250 OK"
    await world.say(*(code(each) for each in (unlucky, *others)))
    async with running(moody_settings, program):
        await eventually(lambda: len(moody.taken) == 7)
        await eventually(lambda: rows(moody_settings, ALL_DONE))
    tries = await rows(moody_settings, "SELECT about, tries FROM mails")
    assert set(tries) == {(unlucky, 2), *((each, 1) for each in others)}
    ids = [email.message_from_bytes(text)["Message-ID"] for to, text in moody.taken if to == mailbox(unlucky)]
    assert len(ids) == 2
    assert len(set(ids)) == 1


async def test_a_mail_put_off_for_too_long_is_parked_with_its_reason(
    world: Wire, moody: Moody, moody_settings: MailSettings
) -> None:
    moody.to_recipient = lambda _: "450 4.2.1 mailbox busy"
    await world.say(code(new_id()))
    async with running(moody_settings, program):
        await eventually(lambda: rows(moody_settings, "SELECT 1 FROM mails WHERE tries > 1"))
    assert await rows(moody_settings, "SELECT status FROM mails") == [("queued",)]
    impatient = msgspec.structs.replace(moody_settings, mail_give_up_hours=0.1 / 3600)
    async with running(impatient, program):
        await eventually(lambda: rows(impatient, "SELECT 1 FROM mails WHERE status = 'parked'"))
    assert await rows(impatient, "SELECT reason FROM mails") == [("450 4.2.1 mailbox busy",)]


async def test_one_session_carries_many_mails_one_recipient_each(
    world: Wire, moody: Moody, moody_settings: MailSettings
) -> None:
    buyers = [new_id() for _ in range(20)]
    await world.say(*(code(each) for each in buyers))
    async with running(moody_settings, program):
        await eventually(lambda: len(moody.taken) == 20)
    assert moody.sessions < 5
    assert sorted(recipient for recipient, _ in moody.taken) == sorted(map(mailbox, buyers))


async def test_an_address_that_is_none_is_parked_without_asking_the_server(
    world: Wire, moody: Moody, moody_settings: MailSettings
) -> None:
    bad = msgspec.structs.replace(code(new_id()), email="a@b.org\r\nBcc: c@d.org")
    good = code(new_id())
    async with running(moody_settings, program):
        await world.say(bad, good)
        await eventually(lambda: rows(moody_settings, "SELECT 1 FROM mails WHERE status = 'parked'"))
        await eventually(lambda: len(moody.taken) == 1)
    assert moody.taken[0][0] == mailbox(good.entity_id)


async def test_a_killed_process_repeats_what_was_not_marked_yet_and_loses_none(
    world: Wire, moody: Moody, moody_settings: MailSettings
) -> None:
    quick = msgspec.structs.replace(moody_settings, smtp_timeout_seconds=1.0)
    environment = {name.upper(): str(value) for name, value in msgspec.structs.asdict(quick).items() if value}
    await world.say(*(code(new_id()) for _ in range(60)))
    doomed = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mail"), env=environment, stderr=asyncio.subprocess.DEVNULL
    )

    def dies_of_the_fifth(_: str) -> str:
        if len(moody.taken) == 5:
            doomed.kill()
        return "250 OK"

    moody.to_text = dies_of_the_fifth
    async with asyncio.timeout(60):
        await doomed.wait()
    moody.to_text = lambda _: "250 OK"
    assert len(moody.taken) < 60
    async with running(moody_settings, program):
        await eventually(
            lambda: rows(quick, "SELECT 1 WHERE 60 = (SELECT count(*) FROM mails WHERE status = 'sent')"),
            seconds=60,
        )
    ids = [email.message_from_bytes(text)["Message-ID"] for _, text in moody.taken]
    assert len(set(ids)) == 60
    assert len(ids) <= 60 + MARKED_TOGETHER * quick.smtp_sessions
