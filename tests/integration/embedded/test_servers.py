"""Each bare server does what the services will ask of it, and refuses what it must."""

import asyncio
import json
import os
import signal
import smtplib
import threading
import time
import urllib.request
from email.message import EmailMessage

import asyncpg
import nats
import psutil
import pytest
import redis.asyncio
from redis.exceptions import AuthenticationError

from deploy.embedded.executables import redis_bloom
from deploy.embedded.program import Program
from deploy.embedded.stack import Stack

pytestmark = pytest.mark.embedded


async def test_the_runtime_role_changes_the_rows_it_may_but_not_their_shape(bare: Stack) -> None:
    owner = await asyncpg.connect(bare.database_url("order", "owner"))
    await owner.execute("CREATE TABLE IF NOT EXISTS things (name text)")
    await owner.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON things TO order_runtime")
    await owner.close()
    runtime = await asyncpg.connect(bare.database_url("order"))
    await runtime.execute("INSERT INTO things (name) VALUES ('one')")
    await runtime.execute("UPDATE things SET name = 'two'")
    assert await runtime.fetchval("SELECT count(*) FROM things") >= 1
    await runtime.execute("DELETE FROM things")
    for statement in ("CREATE TABLE mine ()", "DROP TABLE things", "TRUNCATE things", "CREATE SCHEMA mine"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await runtime.execute(statement)
    assert await runtime.fetchval("SHOW statement_timeout") == "5s"
    assert await runtime.fetchval("SHOW idle_in_transaction_session_timeout") == "10s"
    await runtime.close()


@pytest.mark.parametrize("role", ["runtime", "owner"])
async def test_a_service_cannot_enter_the_database_of_another(bare: Stack, role: str) -> None:
    for database in ("payment", "postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(bare.database_url("order", role).removesuffix("/order") + f"/{database}")


async def test_a_wrong_password_is_refused_even_on_loopback(bare: Stack) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(bare.database_url("order").replace("order_runtime:", "order_runtime:x"))


async def test_what_is_committed_is_on_the_disk(bare: Stack) -> None:
    superuser = await asyncpg.connect(bare.postgres.superuser_url("postgres"))
    shown = {name: await superuser.fetchval(f"SHOW {name}") for name in ("fsync", "synchronous_commit")}
    await superuser.close()
    assert shown == {"fsync": "on", "synchronous_commit": "on"}


async def test_the_broker_has_jetstream_for_those_with_the_password(bare: Stack) -> None:
    client = await nats.connect(bare.nats_url)
    account = await client.jetstream().account_info()
    assert account.limits.max_storage != 0
    assert client.max_payload == 1024**2
    await client.close()


async def test_the_broker_refuses_those_without_the_password(bare: Stack) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bare.layout.port("nats"))
    writer.write(b'CONNECT {"verbose": true}\r\nPING\r\n')
    answer = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    await writer.wait_closed()
    assert b"-ERR 'Authorization Violation'" in answer


async def test_redis_answers_those_with_the_password_and_has_filters(bare: Stack) -> None:
    async with redis.asyncio.from_url(bare.redis_url) as client:
        assert await client.ping()
        if redis_bloom(bare.layout):
            assert await client.cf().add("filter", "one") == 1
            assert await client.cf().exists("filter", "one") == 1
    async with redis.asyncio.from_url(f"redis://{bare.layout.address('redis')}") as client:
        with pytest.raises(AuthenticationError):
            await client.ping()


def mails_to(bare: Stack, recipient: str) -> list[dict[str, object]]:
    url = f"{bare.url('mail_api')}/api/v2/search?kind=to&query={recipient}"
    with urllib.request.urlopen(url) as answer:
        found = json.load(answer)
    assert found["total"] == found["count"] == len(found["items"])
    items: list[dict[str, object]] = found["items"]
    return items


def test_a_mail_is_caught_shown_and_deleted(bare: Stack) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.com", "anne@example.com", "Your code"
    message.set_content("12345678\n")
    with smtplib.SMTP("127.0.0.1", bare.layout.port("smtp")) as client:
        client.send_message(message)
    (mail,) = mails_to(bare, "anne@example.com")
    with urllib.request.urlopen(bare.url("mail_api")) as page:
        assert "Your code" in page.read().decode()
    one = f"{bare.url('mail_api')}/api/v1/messages/{mail['ID']}"
    with urllib.request.urlopen(one) as answer:
        assert json.load(answer)["Content"]["Body"].strip() == "12345678"
    with urllib.request.urlopen(urllib.request.Request(one, method="DELETE")) as answer:
        assert answer.status == 200
    assert mails_to(bare, "anne@example.com") == []


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("MAIL FROM:<anne+shop@example.com> SIZE=10 BODY=8BITMIME", 250),
        ('MAIL FROM:<"anne berg"@example.com>', 250),
        ("MAIL FROM:anne@example.com", 250),
        ("MAIL FROM:<anne@example.com> COLOUR=RED", 555),
        ("MAIL FROM:<anne@example.com>SIZE=99999999", 552),
        ("MAIL FROM:<,@example.com>", 553),
        ("MAIL FROM:<anne@.example.com>", 553),
        ("MAIL FROM:<anne@example..com>", 553),
        ("MAIL FROM:<>", 250),
    ],
)
def test_an_address_is_taken_as_the_standard_has_it(bare: Stack, command: str, code: int) -> None:
    with smtplib.SMTP("127.0.0.1", bare.layout.port("smtp")) as client:
        client.ehlo()
        assert client.docmd(command)[0] == code


@pytest.mark.parametrize("name", ["redis", "postgres"])
def test_what_is_killed_comes_back_under_a_new_pid(bare: Stack, name: str) -> None:
    before = bare.pid(name)
    os.kill(before, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while bare.pid(name) in {0, before}:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    bare.wait_ready(name)
    assert bare.processes()[name]["pid"] != before


def test_a_stop_waits_for_the_last_checkpoint_of_postgres(bare: Stack) -> None:
    """Killed in it, the server would leave a process that no other server may start beside."""
    children = psutil.Process(bare.pid("postgres")).children()
    [checkpointer] = [each for each in children if "checkpointer" in each.cmdline()[0]]
    checkpointer.suspend()
    stopping = threading.Thread(target=bare.stop_process, args=("postgres",))
    try:
        stopping.start()
        stopping.join(Program.stop_seconds + 1)
        assert stopping.is_alive()
        assert checkpointer.is_running()
    finally:
        checkpointer.resume()
        stopping.join()
    bare.start_process("postgres")
    said = (bare.home / "logs" / "postgres.log").read_text()
    assert said.count("received fast shutdown request") == said.count("database system is shut down") == 1


def test_what_is_stopped_stays_stopped_until_it_is_started(bare: Stack) -> None:
    bare.stop_process("redis")
    assert bare.processes()["redis"] == {"pid": None, "port": bare.layout.port("redis"), "state": "stopped"}
    bare.start_process("redis")
    before = bare.pid("redis")
    bare.restart("redis")
    assert bare.pid("redis") != before


def test_the_pid_is_the_serving_process_itself(bare: Stack) -> None:
    postmaster = (bare.postgres.data / "postmaster.pid").read_text().splitlines()[0]
    assert bare.pid("postgres") == int(postmaster)


def test_secrets_and_settings_are_for_their_user_only(bare: Stack) -> None:
    for folder in ("secrets", "settings", "run", "logs"):
        assert (bare.home / folder).stat().st_mode & 0o077 == 0
    for file in (bare.home / "settings").iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
