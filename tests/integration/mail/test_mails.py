"""Mails through the real catcher: what goes out, to whom, and how often (P15, I7)."""

import logging
from datetime import UTC, datetime

import aiohttp
import msgspec
import pytest

from common.contracts.account import EmailChanged, PasswordChanged, SessionEnded
from common.ids import new_id
from common.messaging.consumer import NotYet
from common.messaging.streams import STREAM
from common.postgres.database import Database
from mail.__main__ import program
from mail.handlers import handle
from mail.language import Unfit
from mail.settings import MailSettings
from tests.integration.mail.wire import (
    Caught,
    Wire,
    cancelled,
    changed,
    code,
    completed,
    mailbox,
    registered,
    reset,
    rows,
    told_of,
)
from tests.servers import Servers
from tests.support import eventually, free_port, running


async def test_the_code_arrives_alone_on_a_line_of_the_first_part(
    world: Wire, mail_settings: MailSettings, caught: Caught
) -> None:
    me = new_id()
    async with running(mail_settings, program):
        await world.say(code(me, text="04711815"))
        mail = await caught.one_to(mailbox(me))
        await eventually(lambda: rows(mail_settings, "SELECT 1 FROM mails WHERE status = 'sent'"))
    first = mail["MIME"]["Parts"][0]
    assert "04711815" in first["Body"].splitlines()
    assert first["Headers"]["Content-Type"][0].startswith("text/plain")
    assert mail["Content"]["Headers"]["To"] == [mailbox(me)]
    left = await rows(mail_settings, "SELECT recipient, content FROM mails")
    assert left == [(None, None)], "a code is kept only until it is sent"


async def test_a_code_for_a_new_password_and_the_notice_of_the_change_arrive_in_the_shops_language(
    world: Wire, mail_settings: MailSettings, caught: Caught
) -> None:
    me, you, they = new_id(), new_id(), new_id()
    vietnamese = msgspec.structs.replace(mail_settings, mail_language="vi")
    async with running(vietnamese, program):
        await world.say(
            reset(me, text="04711815"), told_of(PasswordChanged, you), told_of(EmailChanged, they)
        )
        code, notice = await caught.one_to(mailbox(me)), await caught.one_to(mailbox(you))
        moved = await caught.one_to(mailbox(they))
        await eventually(lambda: _sent(mail_settings, 3))
    [first, _] = code["MIME"]["Parts"]
    assert first["Headers"]["Content-Transfer-Encoding"] == ["7bit"]
    assert "04711815" in first["Body"].splitlines()
    assert "Mật khẩu tài khoản của bạn đã được đổi ngày" in notice["MIME"]["Parts"][0]["Body"]
    assert "không còn dùng địa chỉ này nữa" in moved["MIME"]["Parts"][0]["Body"]
    assert await rows(mail_settings, "SELECT DISTINCT recipient, content FROM mails") == [(None, None)]


async def test_a_language_that_is_not_there_ends_the_service_at_its_start(
    mail_settings: MailSettings,
) -> None:
    with pytest.raises(Unfit, match="'xx'"):
        async with running(msgspec.structs.replace(mail_settings, mail_language="xx"), program):
            pass


async def test_words_that_are_none_of_its_business_are_neither_errors_nor_dead_letters(
    world: Wire, mail_settings: MailSettings, caught: Caught, caplog: pytest.LogCaptureFixture
) -> None:
    me = new_id()
    ended = SessionEnded(entity_id=new_id(), version=1, issued_on=datetime.now(UTC).date(), account_id=me)
    js = world.client.jetstream()
    async with running(mail_settings, program):
        await world.say(ended)
        await js.publish("evt.account.something_new", b"not even JSON")
        await world.say(code(me))
        await caught.one_to(mailbox(me))
        consumer = await js.consumer_info(STREAM, "mail")
    assert consumer.num_pending == consumer.num_redelivered == 0
    assert await rows(mail_settings, "SELECT count(*) FROM dead_letter") == [(0,)]
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_purchase_gets_one_receipt_however_often_it_is_told(
    world: Wire, mail_settings: MailSettings, caught: Caught
) -> None:
    me = new_id()
    event = completed(me)
    again = msgspec.structs.replace(event, purchase=msgspec.structs.replace(event.purchase, attempt=1))
    async with running(mail_settings, program):
        await world.say(registered(me), event)
        await world.acceptance(event)
        await world.say(event, as_id="a second copy")
        await world.say(again)
        await world.acceptance(again)
        mail = await caught.one_to(mailbox(me))
        assert await rows(mail_settings, "SELECT count(*) FROM mails") == [(1,)]
    assert "Total: 1,000 VND" in mail["MIME"]["Parts"][0]["Body"]
    assert "Trà sen" in mail["MIME"]["Parts"][0]["Body"]
    assert len(await caught.to(mailbox(me))) == 1


async def test_a_failure_says_why_to_the_newest_mailbox(
    world: Wire, mail_settings: MailSettings, caught: Caught
) -> None:
    me, new = new_id(), f"{new_id().hex}@example.org"
    async with running(mail_settings, program):
        await world.say(registered(me), changed(me, 3, new), first := cancelled(me, "card_declined"))
        await world.acceptance(first)
        await world.say(changed(me, 2, mailbox(me)), second := cancelled(me, "deadline"))
        await world.acceptance(second)
        await eventually(lambda: _count(caught, new, 2))
    texts = [mail["MIME"]["Parts"][0]["Body"] for mail in await caught.to(new)]
    assert "It could not be confirmed in time." in texts[0]
    assert "The payment was declined." in texts[1]


async def test_a_mail_goes_out_at_once_and_not_at_the_next_sweep(
    world: Wire, mail_settings: MailSettings, caught: Caught
) -> None:
    me = new_id()
    slow = msgspec.structs.replace(mail_settings, mail_sweep_seconds=600.0)
    async with running(slow, program):
        await world.say(code(me))
        await caught.one_to(mailbox(me))


async def test_a_mail_waits_for_the_mailbox_and_is_not_accepted_before(
    world: Wire, mail_settings: MailSettings, caught: Caught
) -> None:
    me = new_id()
    event = completed(me)
    async with running(msgspec.structs.replace(mail_settings, message_retry_seconds=0.1), program):
        await world.say(event)
        await world.say(code(me))
        await caught.one_to(mailbox(me))
        assert world.accepted == []
        await world.say(registered(me))
        await world.acceptance(event)
        await eventually(lambda: _count(caught, mailbox(me), 2))
    assert await rows(mail_settings, "SELECT count(*) FROM dead_letter") == [(0,)]


async def _sent(settings: MailSettings, wanted: int) -> bool:
    """At the first try, all of them."""
    return await rows(settings, "SELECT count(*) FROM mails WHERE status = 'sent' AND tries = 1") == [
        (wanted,)
    ]


async def _count(caught: Caught, to: str, wanted: int) -> bool:
    return len(await caught.to(to)) == wanted


async def test_while_smtp_is_down_mails_are_accepted_and_arrive_once_afterwards(
    world: Wire, mail_settings: MailSettings, caught: Caught, servers: Servers
) -> None:
    buyers = [new_id() for _ in range(5)]
    events = [completed(each) for each in buyers]
    servers.stop_process("smtp")
    try:
        async with running(mail_settings, program) as url, aiohttp.ClientSession(url) as health:
            await world.say(*(registered(each) for each in buyers), *events)
            for event in events:
                await world.acceptance(event)
            await eventually(lambda: _smtp(health, is_ok=False))
            servers.start_process("smtp")
            for each in buyers:
                await caught.one_to(mailbox(each))
            await eventually(lambda: _sent(mail_settings, 5))
            await eventually(lambda: _smtp(health, is_ok=True))
    finally:
        servers.start_process("smtp")
    assert [len(await caught.to(mailbox(each))) for each in buyers] == [1] * 5


async def test_what_is_not_known_yet_is_waited_for_and_not_counted_as_a_failure(
    mail_settings: MailSettings,
) -> None:
    async with Database.connect(mail_settings.database_url, size=1, name="test") as db:
        with pytest.raises(NotYet):
            async with db.begin() as tx:
                await handle(tx, [completed(new_id())], accepted=lambda: None)


async def _smtp(health: aiohttp.ClientSession, *, is_ok: bool) -> bool:
    async with health.get("/readyz") as response:
        assert response.status == 200, "mail that cannot be sent makes nothing unready"
        return (await response.json())["checks"]["smtp"]["ok"] is is_ok


async def test_two_replicas_send_each_mail_once(
    world: Wire, mail_settings: MailSettings, caught: Caught
) -> None:
    me = new_id()
    events = [completed(me) for _ in range(60)]
    second = msgspec.structs.replace(mail_settings, port=free_port(), batch_size=4)
    async with running(mail_settings, program), running(second, program):
        await world.say(registered(me), *events)
        await eventually(lambda: _sent(mail_settings, 60), seconds=60)
    ids = [mail["Content"]["Headers"]["Message-ID"][0] for mail in await caught.to(mailbox(me))]
    assert len(ids) == len(set(ids)) == 60


async def test_what_a_dead_process_had_in_hand_is_sent_by_another_after_its_lease(
    world: Wire, mail_settings: MailSettings, caught: Caught
) -> None:
    me = new_id()
    held = msgspec.structs.replace(mail_settings, smtp_port=free_port(), port=free_port())
    async with running(held, program):
        await world.say(code(me))
        await eventually(lambda: rows(mail_settings, "SELECT 1 FROM mails"))
    await rows(mail_settings, "UPDATE mails SET tries = 1, next_try_at = now() + interval '1 second'")
    async with running(mail_settings, program):
        await caught.one_to(mailbox(me))
        assert await eventually(
            lambda: rows(mail_settings, "SELECT tries FROM mails WHERE status = 'sent'")
        ) == [(2,)]
