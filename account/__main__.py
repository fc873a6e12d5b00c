"""`python -m account`."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from account import answers, app, parts, worker
from account.settings import AccountSettings
from common.cache.caching import caching
from common.main import Program, Role, main
from common.runtime import runtime


@asynccontextmanager
async def program(settings: AccountSettings, role: Role) -> AsyncIterator[Program]:
    """It hears itself alone; a worker mails codes to whoever forgot a password, and forgets what is over."""
    async with runtime(settings) as held, caching(settings) as caches:
        shared = parts.assemble(settings, held, caches)
        async with aclosing(shared.attempts):
            working = [shared.resets.run, shared.retention.run] if role.works else []
            serving = [shared.changes.listen] if role.serves else []
            yield Program(
                app=app.create(settings, shared, serves=role.serves),
                runtime=held,
                consumers=[worker.consumer(settings, shared)] if role.works else [],
                loops=[shared.follow_keys, *working, *serving],
                answers=answers.endpoints(held) if role.serves else [],
            )


if __name__ == "__main__":
    main(AccountSettings, program)
