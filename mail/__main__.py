"""`python -m mail`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.main import Program, Role, main
from common.runtime import runtime
from mail import app, worker
from mail.retention import Retention
from mail.settings import MailSettings


@asynccontextmanager
async def program(settings: MailSettings, role: Role) -> AsyncIterator[Program]:
    async with runtime(settings) as held:
        sender = worker.sender(settings, held)
        retention = Retention(held.db, keep_days=settings.mail_keep_days)
        yield Program(
            app=app.create(settings, held, sender),
            runtime=held,
            consumers=[worker.consumer(settings, held, sender)] if role.works else [],
            loops=[retention.run] if role.works else [],
            finishing=[sender.run] if role.works else [],
            on_stop=sender.stop,
        )


if __name__ == "__main__":
    main(MailSettings, program)
