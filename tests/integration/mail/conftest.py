import asyncio
from collections.abc import AsyncIterator, Callable

import aiohttp
import msgspec
import pytest
from aiosmtpd.smtp import SMTP

from mail.settings import MailSettings
from tests.integration.mail.wire import Caught, Moody, Wire, wire
from tests.servers import Servers
from tests.support import free_port


@pytest.fixture
def mail_settings(servers: Servers, database: Callable[[str], str], nats_url: str) -> MailSettings:
    return MailSettings(
        port=free_port(),
        nats_url=nats_url,
        database_url=database("mail"),
        pool_size=4,
        smtp_host=servers.smtp_host,
        smtp_port=servers.smtp_port,
        mail_retry_seconds=0.1,
        mail_retry_most_seconds=0.2,
        smtp_pause_most_seconds=0.2,
        mail_sweep_seconds=0.2,
    )


@pytest.fixture
async def world(nats_url: str) -> AsyncIterator[Wire]:
    async with wire(nats_url) as end:
        yield end


@pytest.fixture
async def caught(servers: Servers) -> AsyncIterator[Caught]:
    async with aiohttp.ClientSession(servers.mail_api) as session:
        yield Caught(session)


@pytest.fixture(params=[True, False], ids=["pipelining", "one by one"])
async def moody(request: pytest.FixtureRequest) -> AsyncIterator[Moody]:
    mind = Moody(pipelines=request.param)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(mind, hostname="localhost"), "127.0.0.1", 0
    )
    mind.port = server.sockets[0].getsockname()[1]
    async with server:
        yield mind


@pytest.fixture
def moody_settings(mail_settings: MailSettings, moody: Moody) -> MailSettings:
    return msgspec.structs.replace(mail_settings, smtp_port=moody.port)
