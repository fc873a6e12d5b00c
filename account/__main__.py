"""`python -m account`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from account import answers, app
from account.settings import AccountSettings
from common.main import Program, Role, main
from common.runtime import runtime


@asynccontextmanager
async def program(settings: AccountSettings, role: Role) -> AsyncIterator[Program]:
    """It hears nothing, so that a worker has only the relay and the partitions to keep going."""
    async with runtime(settings) as held:
        yield Program(
            app=app.create(settings, held, serves=role.serves),
            runtime=held,
            answers=answers.endpoints(held) if role.serves else [],
        )


if __name__ == "__main__":
    main(AccountSettings, program)
