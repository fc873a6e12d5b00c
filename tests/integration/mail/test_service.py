"""Mail as a process: its health, its schema, its rights."""

import aiohttp
import asyncpg
import pytest

from common.postgres.migrate import on_database
from mail.__main__ import program
from mail.settings import MailSettings
from tests.integration.mail.wire import (
    rows,
)
from tests.servers import Servers
from tests.support import eventually, running


async def is_ready(session: aiohttp.ClientSession) -> bool:
    async with session.get("/readyz") as response:
        return response.status == 200


async def test_the_service_serves_its_health_and_an_empty_document(mail_settings: MailSettings) -> None:
    async with running(mail_settings, program) as url, aiohttp.ClientSession(url) as session:
        await eventually(lambda: is_ready(session))
        async with session.get("/api/v1/openapi/mail.json") as response:
            assert (await response.json(content_type=None))["paths"] == {}


async def test_the_tables_are_what_the_migrations_make(mail_settings: MailSettings, servers: Servers) -> None:
    await on_database(servers.owner_url(mail_settings.database_url), "mail", "check")


async def test_the_running_service_cannot_change_its_schema(mail_settings: MailSettings) -> None:
    for statement in ("CREATE TABLE x (id int)", "DROP TABLE mails", "TRUNCATE mails"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await rows(mail_settings, statement)
