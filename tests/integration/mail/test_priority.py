"""Somebody waits for a verification code; nobody waits for a receipt."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from common.ids import new_id
from common.postgres.database import Database
from mail import repository
from mail.model import Addressee, Failure, Mail, Verification


async def test_a_code_overtakes_every_receipt_that_is_due(database: Callable[[str], str]) -> None:
    to = Addressee("ann@example.com", "Ann")
    notices = [Mail(about=new_id(), to=to, content=Failure("deadline")) for _ in range(50)]
    soon = datetime.now(UTC) + timedelta(minutes=10)
    code = Mail(about=new_id(), version=1, to=to, content=Verification("12345678", soon))
    async with Database.connect(database("mail"), size=1, name="tests") as db:
        for mails in (notices, [code]):
            async with db.begin() as tx:
                await repository.accept(tx, mails)
        async with db.begin() as tx:
            claimed = await repository.claim(tx, limit=10, lease_seconds=30)
    assert claimed[0].mail == code
    assert len(claimed) == 10
