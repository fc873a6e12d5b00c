"""`python -m account.admin EMAIL`: the first administrator of a shop is made by whoever runs it."""

import argparse
import asyncio
import sys

from account import model
from account.model import Change, Role
from account.repository import accounts, administration
from account.settings import AccountSettings
from common.contracts.account import AccountChanged
from common.messaging.outbox import Outbox
from common.postgres.database import UNAVAILABLE, Database
from common.settings import load


class NotPromoted(Exception):
    """Says why."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="admin", description="Makes a verified account an administrator.")
    parser.add_argument("email")
    email = parser.parse_args().email
    settings = load(AccountSettings)
    try:
        said = asyncio.run(promote(settings, email))
    except (NotPromoted, *UNAVAILABLE) as error:
        sys.exit(f"admin: {error}")
    sys.stdout.write(f"{said}\n")


async def promote(settings: AccountSettings, email: str) -> str:
    """What is said about it lies in the outbox, where the running service finds it within a second."""
    outbox = Outbox(lambda _rows: None)
    async with Database.connect(settings.database_url, size=1, name="admin") as db, db.begin() as tx:
        account = await accounts.lock_by_email(tx, model.mailbox(email))
        if account is None:
            raise NotPromoted(f"there is no account {email}")
        change = Change(account, wanted_role=Role.ADMIN)
        if not account.active:
            raise NotPromoted(f"{account.email} is switched off")
        if change.needs_verified:
            raise NotPromoted(f"{account.email} has not been confirmed yet")
        if not change.notes:
            return f"{account.email} is an administrator already"
        account = await administration.govern(
            tx, account.id, role=change.role, active=change.active, less=change.is_less
        )
        await administration.note(tx, None, account.id, change.notes)
        await outbox.put(tx, [model.state(AccountChanged, account)])
    return f"{account.email} is an administrator now; who is signed in learns of it within ten minutes"


if __name__ == "__main__":
    main()
