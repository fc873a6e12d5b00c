"""What is forgotten, and when: codes that count no longer, and mails of long ago."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from common.ids import new_id
from common.postgres.database import Database
from mail import repository
from mail.__main__ import program
from mail.model import Addressee, Failure, Mail, Verification
from mail.retention import AT_ONCE, Retention, least_id
from mail.settings import MailSettings
from tests.integration.mail.wire import Caught, Wire, code, mailbox, rows
from tests.servers import Servers
from tests.support import eventually, running

DAY = timedelta(days=1)
TO = Addressee("an@example.org", "An")


@pytest.fixture
async def db(mail_settings: MailSettings) -> AsyncIterator[Database]:
    async with Database.connect(mail_settings.database_url, size=2, name="tests") as opened:
        yield opened


async def accept(db: Database, *mails: Mail) -> None:
    async with db.begin() as tx:
        await repository.accept(tx, mails)


def code_mail(*, expires_in: timedelta, about: UUID | None = None) -> Mail:
    content = Verification("01234567", datetime.now(UTC) + expires_in)
    return Mail(about=about or new_id(), version=1, to=TO, content=content)


async def never(_: Retention) -> None:
    await asyncio.Event().wait()


async def test_a_code_that_expired_is_not_sent_late_and_is_forgotten(
    world: Wire, mail_settings: MailSettings, caught: Caught, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Retention, "run", never)  # it may look before a mail is accepted, or after that
    late, timely = new_id(), new_id()
    await world.say(code(late, seconds=-1), code(timely))
    async with running(mail_settings, program):
        await caught.one_to(mailbox(timely))
        await eventually(lambda: rows(mail_settings, "SELECT 1 FROM mails WHERE status = 'sent'"))
        assert await rows(mail_settings, "SELECT about FROM mails WHERE status = 'queued'") == [(late,)]
        async with Database.connect(mail_settings.database_url, size=1, name="tests") as db:
            await Retention(db, keep_days=90).expire()
    assert await rows(
        mail_settings, "SELECT about, recipient, content FROM mails WHERE status = 'expired'"
    ) == [(late, None, None)]
    assert await caught.to(mailbox(late)) == []


async def test_a_parked_code_is_forgotten_when_it_expires_and_a_parked_notice_is_kept(
    mail_settings: MailSettings, db: Database
) -> None:
    codes = [code_mail(expires_in=each * DAY) for each in (-1, 1)]
    notice = Mail(about=new_id(), to=TO, content=Failure("deadline"))
    await accept(db, *codes, notice)
    await rows(mail_settings, "UPDATE mails SET status = 'parked', reason = '550 <an@example.org>'")
    await Retention(db, keep_days=90).expire()
    left = await rows(mail_settings, "SELECT about, status, num_nulls(recipient, content, reason) FROM mails")
    assert set(left) == {
        (codes[0].about, "expired", 3),
        (codes[1].about, "parked", 0),
        (notice.about, "parked", 0),
    }


async def test_old_mails_are_forgotten_whatever_became_of_them_but_not_while_they_wait(
    mail_settings: MailSettings, db: Database, servers: Servers
) -> None:
    owner = replace(mail_settings, database_url=servers.owner_url(mail_settings.database_url))
    old = [
        Mail(about=least_id(datetime.now(UTC) - each * DAY), to=TO, content=Failure("x"))
        for each in (11, 12, 13)
    ]
    young = Mail(about=new_id(), to=TO, content=Failure("x"))
    of_an_old_account = code_mail(expires_in=DAY, about=least_id(datetime.now(UTC) - 300 * DAY))
    await accept(db, *old, young, of_an_old_account)
    await rows(mail_settings, "UPDATE mails SET status = 'parked', reason = 'x'")
    ids = ", ".join(f"'{mail.about}'" for mail in old)
    await rows(owner, f"UPDATE mails SET accepted_at = now() - interval '11 days' WHERE about IN ({ids})")
    await rows(mail_settings, f"UPDATE mails SET status = 'queued' WHERE about = '{old[2].about}'")
    await Retention(db, keep_days=10).forget()
    left = await rows(mail_settings, "SELECT about FROM mails")
    assert {about for [about] in left} == {old[2].about, young.about, of_an_old_account.about}


async def test_all_that_is_old_is_forgotten_at_once(mail_settings: MailSettings, db: Database) -> None:
    await rows(
        mail_settings,
        "INSERT INTO mails (about, kind, version, status, sent_at, accepted_at) "
        f"SELECT '{least_id(datetime.now(UTC) - 99 * DAY)}', 'receipt', n, 'sent', now(), "
        "now() - interval '99 days' "
        f"FROM generate_series(1, {2 * AT_ONCE + 1}) n",
    )
    await Retention(db, keep_days=90).forget()
    assert await rows(mail_settings, "SELECT count(*) FROM mails") == [(0,)]


async def test_the_code_that_expires_first_goes_first(db: Database) -> None:
    soon, later = code_mail(expires_in=DAY), code_mail(expires_in=2 * DAY)
    await accept(db, later)
    await accept(db, soon)
    async with db.begin() as tx:
        claimed = await repository.claim(tx, limit=2, lease_seconds=30)
    assert [due.mail for due in claimed] == [soon, later]
