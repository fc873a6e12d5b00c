"""`python -m mail`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.main import Program, Role, main
from common.runtime import runtime
from mail import app, worker
from mail.settings import MailSettings


@asynccontextmanager
async def program(settings: MailSettings, role: Role) -> AsyncIterator[Program]:
    async with runtime(settings) as held:
        sender = worker.sender(settings, held)
        yield Program(
            app=app.create(settings, held, sender),
            runtime=held,
            consumers=[worker.consumer(settings, held, sender)] if role.works else [],
            loops=[sender.run] if role.works else [],
            on_stop=sender.stop,
        )


if __name__ == "__main__":
    main(MailSettings, program)
