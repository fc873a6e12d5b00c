"""The desk over HTTP: administrators only, and what they do is on the record under their mailbox."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

import account.__main__
import order.__main__
from account.settings import AccountSettings
from common.contracts.order import CreateOrder
from common.ids import new_id
from common.messaging.codec import encode
from deploy.letters.desk import desk
from deploy.letters.door import Accounts
from deploy.letters.serve import FOLDER, bound, server
from order.settings import OrderSettings
from tests.integration.account.conftest import key_file
from tests.integration.letters.hands import rows
from tests.integration.order.wire import Wire, purchase, registered
from tests.servers import Servers
from tests.support import eventually, free_port, running

PASSWORD = "correct-horse-battery"
BUYER = new_id()
RIGHT = encode(CreateOrder(purchase=purchase(BUYER)))
WRONG = RIGHT.replace(b'"attempt":', b'"attempt":"none", "was":')
PARKED = """
INSERT INTO dead_letter (durable, subject, payload, deliveries, error)
VALUES ('order', 'cmd.order.create_order', $1, 5, 'ValidationError()')
"""
PROMOTED = "UPDATE accounts SET role = 'admin', verified = true WHERE email = $1"
DONE = {"result": "done", "detail": ""}
Said = tuple[int, Any]
Call = Callable[..., Any]


def person(name: str) -> dict[str, str]:
    rest = {"first_name": name, "last_name": "Lee", "address": "1 Main Street"}
    return rest | {"email": f"{name}@example.com", "password": PASSWORD, "phone_number": f"+84{len(name):09}"}


async def execute(url: str, statement: str, *values: object) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()


@pytest.fixture
def accounts(
    servers: Servers, nats_url: str, database: Callable[[str], str], tmp_path: Path
) -> AccountSettings:
    return AccountSettings(
        port=free_port(),
        nats_url=nats_url,
        database_url=database("account"),
        redis_url=servers.redis_url,
        signing_key_file=key_file(tmp_path / "key.pem"),
        password_memory_kib=16,
        password_passes=1,
        pool_size=4,
        tries_per_account=10_000,
        tries_per_address=10_000,
    )


@asynccontextmanager
async def at_the_desk(servers: Servers, shop: str) -> AsyncIterator[Call]:
    """Calls of what `./just dlq serve` offers: method, path, token, body."""
    async with (
        desk(servers.nats_url_of("operator"), by="") as opened,
        aiohttp.ClientSession() as session,
    ):
        listening = bound("127.0.0.1", 0)
        base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        door = server(opened, Accounts(shop, session), "127.0.0.1", 0)
        serving = asyncio.ensure_future(door.serve(sockets=[listening]))

        async def call(method: str, path: str, token: str = "", body: object = None) -> Said:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            async with session.request(method, f"{base}{path}", headers=headers, json=body) as answer:
                text = await answer.text()
                return answer.status, json.loads(text) if "json" in answer.content_type and text else text

        try:
            await eventually(lambda: door.started or serving.done())
            yield call
        finally:
            door.should_exit = True
            await serving


async def test_an_administrator_mends_retries_and_discards_on_the_record_and_nobody_else_gets_in(
    servers: Servers, world: Wire, order_settings: OrderSettings, accounts: AccountSettings
) -> None:
    async with (
        running(accounts, account.__main__.program) as shop,
        running(order_settings, order.__main__.program),
        aiohttp.ClientSession() as session,
        at_the_desk(servers, shop) as call,
    ):
        tokens = {}
        for name in ("ann", "carla"):
            url = f"{shop}/api/v1/account/register"
            async with session.post(url, json=person(name)) as answer:
                tokens[name] = (await answer.json())["access_token"]
        await execute(servers.owner_url(accounts.database_url), PROMOTED, "ann@example.com")
        await world.say(registered(BUYER))
        await eventually(lambda: heard(order_settings.database_url))
        for payload in (WRONG, b"\xff"):
            await execute(order_settings.database_url, PARKED, payload)
        await nobody_else_gets_in(call, tokens["carla"])
        status, entered = await call(
            "POST", "/api/v1/letters/login", body={"email": "ann@example.com", "password": PASSWORD}
        )
        assert (status, entered["email"]) == (200, "ann@example.com")
        token = entered["access_token"]
        await mended(call, token)
        status, _ = await call("POST", "/api/v1/letters/order:2/discard", token, {"reason": "noise"})
        assert status == 200
        assert (await call("GET", "/api/v1/letters", token))[1]["items"] == []
        trail = await rows(
            order_settings.database_url, "SELECT letter_id, action, by FROM dead_letter_trail ORDER BY id"
        )
        assert trail == [
            (1, "edited", "ann@example.com"),
            (1, "begun", "ann@example.com"),
            (1, "retried", "ann@example.com"),
            (2, "discarded", "ann@example.com"),
        ]
        assert (await call("POST", "/api/v1/letters/logout", token))[0] == 204
        assert (await call("GET", "/api/v1/letters", token))[0] == 401


async def heard(database: str) -> bool:
    return bool(await rows(database, f"SELECT FROM account_state WHERE account_id = '{BUYER}'"))


async def nobody_else_gets_in(call: Call, customer: str) -> None:
    login = {"email": "carla@example.com", "password": PASSWORD}
    assert (await call("POST", "/api/v1/letters/login", body=login))[0] == 403
    assert (await call("POST", "/api/v1/letters/login", body=login | {"password": "x"}))[0] == 401
    for method, path in (
        ("GET", ""),
        ("GET", "/order:1"),
        ("POST", "/order:1/retry"),
        ("POST", "/order:1/discard"),
        ("PUT", "/order:1/payload"),
    ):
        for token, status in (("", 401), ("a.b.c", 401), (customer, 403)):
            assert (await call(method, f"/api/v1/letters{path}", token, {}))[0] == status, (method, path)


async def mended(call: Call, token: str) -> None:
    _, found = await call("GET", "/api/v1/letters", token)
    assert [each["ids"] for each in found["items"]] == [["order:1", "order:2"]]
    assert "order" not in found["silent"]
    _, letter = await call("GET", "/api/v1/letters/order:1", token)
    assert (letter["text"], letter["bytes"]) == (WRONG.decode(), None)
    assert (await call("GET", "/api/v1/letters/order:2", token))[1]["bytes"] == "/w=="
    for unknown in ("order:99", "nobody:1", "order"):
        assert (await call("GET", f"/api/v1/letters/{unknown}", token))[0] == 404
    body = {"text": RIGHT.decode(), "reason": "a number"}
    assert (await call("PUT", "/api/v1/letters/order:1/payload", token, body))[0] == 200
    _, letter = await call("GET", "/api/v1/letters/order:1", token)
    assert (letter["text"], letter["edited"]) == (RIGHT.decode(), True)
    assert await call("POST", "/api/v1/letters/order:1/retry", token, {}) == (200, DONE)
    assert (await call("POST", "/api/v1/letters/order:1/retry", token, {}))[0] == 409


async def test_the_page_runs_only_its_own_scripts(servers: Servers, nats_url: str) -> None:
    async with at_the_desk(servers, "http://127.0.0.1:1") as call:
        status, text = await call("GET", "/")
        assert status == 200
        for file in FOLDER.iterdir():
            assert file.suffix == ".html" or (
                f"/{file.name}" in text and (await call("GET", f"/{file.name}"))[0] == 200
            )
        assert (await call("GET", "/api/v1/letters", "x.y.z"))[0] == 503
