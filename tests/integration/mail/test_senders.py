"""Senders side by side, and a row that none of them can read."""

import asyncio

from common.ids import new_id
from common.postgres.database import Database
from mail import repository
from mail.__main__ import program
from mail.language import Language
from mail.letter import Desk
from mail.mailer import Mailer
from mail.model import Addressee, Failure, Mail
from mail.sender import Sender
from mail.settings import MailSettings
from tests.integration.mail.wire import Caught, Moody, Wire, code, mailbox, rows
from tests.support import eventually, running

ALL_SENT = "SELECT 1 WHERE NOT EXISTS (SELECT FROM mails WHERE status <> 'sent')"


async def test_a_mail_that_nobody_can_read_is_parked_and_holds_up_no_other(
    world: Wire, mail_settings: MailSettings, caught: Caught
) -> None:
    poisoned, me = new_id(), new_id()
    await rows(
        mail_settings,
        "INSERT INTO mails (about, kind, version, recipient, content) VALUES "
        f"""('{poisoned}', 'receipt', 0, '{{"mailbox": "a@b.org"}}', '{{"kind": "invoice"}}')""",
    )
    async with running(mail_settings, program):
        await world.say(code(me))
        await caught.one_to(mailbox(me))
        await eventually(lambda: rows(mail_settings, "SELECT 1 FROM mails WHERE status = 'parked'"))
    assert await rows(mail_settings, "SELECT about, tries FROM mails WHERE status = 'parked'") == [
        (poisoned, 1)
    ]


async def test_a_backlog_is_sent_over_several_sessions_and_a_single_mail_over_one(
    world: Wire, moody_settings: MailSettings, moody: Moody
) -> None:
    """The others look for nothing by themselves, and go when there is nothing left."""
    waiting = [
        Mail(about=new_id(), to=Addressee(mailbox(new_id())), content=Failure("deadline")) for _ in range(300)
    ]
    async with Database.connect(moody_settings.database_url, size=1, name="tests") as db, db.begin() as tx:
        await repository.accept(tx, waiting)
    moody.takes.clear()
    async with running(moody_settings, program):
        await eventually(lambda: moody.sessions >= moody_settings.smtp_sessions)
        moody.takes.set()
        await eventually(lambda: rows(moody_settings, ALL_SENT), seconds=60)
        before = moody.sessions
        await world.say(code(new_id()))
        await eventually(lambda: len(moody.taken) == 301)
        assert moody.sessions - before <= 1


async def test_eight_senders_send_each_of_many_mails_once(
    mail_settings: MailSettings, caught: Caught
) -> None:
    desk = Desk.of("shop@localhost", domain="shop.example", language=Language.read("en"))
    to = Addressee(mailbox(new_id()))
    async with Database.connect(mail_settings.database_url, size=8, name="tests") as db:
        async with db.begin() as tx:
            await repository.accept(
                tx, [Mail(about=new_id(), to=to, content=Failure("deadline")) for _ in range(200)]
            )
        senders = [Sender(db, Mailer(mail_settings), desk, mail_settings) for _ in range(8)]
        sending = asyncio.gather(*(each.run() for each in senders))
        await eventually(lambda: rows(mail_settings, ALL_SENT))
        for each in senders:
            each.stop()
        await sending
    assert await rows(mail_settings, "SELECT DISTINCT tries FROM mails") == [(1,)]
    ids = [mail["Content"]["Headers"]["Message-ID"][0] for mail in await caught.to(to.mailbox)]
    assert len(ids) == len(set(ids)) == 200
