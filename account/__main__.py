"""`python -m account`."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from account import answers, app, parts
from account.settings import AccountSettings
from common.main import Program, Role, main
from common.runtime import runtime


@asynccontextmanager
async def program(settings: AccountSettings, role: Role) -> AsyncIterator[Program]:
    """It hears nothing; a worker mails codes to whoever forgot a password, and forgets what is over."""
    async with runtime(settings) as held:
        shared = parts.assemble(settings, held)
        async with aclosing(shared.attempts):
            working = [shared.resets.run, shared.retention.run] if role.works else []
            yield Program(
                app=app.create(settings, shared, serves=role.serves),
                runtime=held,
                loops=[shared.follow_keys, *working],
                answers=answers.endpoints(held) if role.serves else [],
            )


if __name__ == "__main__":
    main(AccountSettings, program)
