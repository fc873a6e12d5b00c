"""Who is not heard, what is typed wrong, what is asked twice, and what is forgotten in the end."""

import asyncio
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from common.contracts.letters import RetryLetter, ShowLetter
from common.messaging.broker import broker
from common.messaging.requests import Requests
from common.messaging.workbench import forget_letters
from common.postgres.database import Database
from order.__main__ import program
from order.settings import OrderSettings
from tests.integration.letters.hands import INSERT, NOTE, Operator, rows
from tests.servers import Servers
from tests.support import eventually, free_port, running

WRONG: tuple[tuple[str, ...], ...] = (
    ("show", "17"),
    ("show", "order:-1"),
    ("show", "order:99999999999999999999999"),
    ("show", "orchestrator:1"),
    ("show", "order:7"),
    ("retry", "order:7"),
    ("retry", "order/ffffff"),
    ("retry", "nobody/ffffff"),
    ("retry",),
    ("discard", "order:1"),
    ("discard", "order:1", "--reason", ""),
    ("discard", "order:1", "--reason", "x" * 501),
    ("retry", "order:1", "--by", "a\x1b[2Jb"),
    ("edit", "order:1", "--payload", "/nowhere/at/all"),
    ("edit", "order:7", "--payload", "-"),
    ("burn",),
    (),
)


async def test_bad_input_is_told_in_one_line_and_changes_nothing(
    order_settings: OrderSettings, operator: Operator
) -> None:
    connection = await asyncpg.connect(order_settings.database_url)
    await connection.execute(INSERT, b"y")
    await connection.close()
    async with running(order_settings, program):
        for words in WRONG:
            said = await operator.types(*words)
            assert said.code in {1, 2}, words
            assert len(said.err.splitlines()) == 1, (words, said.err)
            assert "\x1b" not in said.err
            assert "Traceback" not in said.err
    assert await rows(order_settings.database_url, "SELECT count(*) FROM dead_letter_trail") == [(0,)]
    assert await rows(order_settings.database_url, "SELECT payload FROM dead_letter") == [(b"y",)]


async def test_only_the_operator_is_heard(
    order_settings: OrderSettings,
    servers: Servers,
    tmp_path: Path,
) -> None:
    async with running(order_settings, program):
        for user in ("payment", "viewer", "provisioner"):
            async with broker(servers.nats_url_of(user), user) as connection:
                await connection.ready()
                with pytest.raises(TimeoutError):
                    await Requests(connection).ask(ShowLetter(letter_id=1), of="order", timeout=0.4)
                await eventually(lambda: connection.refusals)
        said = await Operator(servers, tmp_path, user="viewer").types("list")
        assert said.code == 1
        assert said.out == ""


async def test_what_is_asked_again_under_its_key_is_done_once_and_a_death_is_told(
    order_settings: OrderSettings,
    servers: Servers,
) -> None:
    """The asker asks a second time when its first answer is lost."""
    url, keys = order_settings.database_url, [uuid4(), uuid4()]
    connection = await asyncpg.connect(url)
    for _ in range(2):
        await connection.execute(INSERT, b"y")
    await connection.execute(NOTE, 2, "begun", keys[1], None)
    await connection.close()
    async with (
        running(order_settings, program),
        broker(servers.nats_url_of("operator"), "operator") as asking,
    ):
        await asking.ready()
        requests = Requests(asking)
        question = RetryLetter(letter_id=1, key=keys[0], by="ann")
        told = [await requests.ask(question, of="order", timeout=6) for _ in range(2)]
        assert [each.result for each in told] == ["failed", "failed"]
        lost = await requests.ask(RetryLetter(letter_id=2, key=keys[1], by="ann"), of="order", timeout=6)
        assert lost.result == "lost"
    assert await rows(url, "SELECT count(*) FROM dead_letter_trail WHERE letter_id = 1") == [(2,)]


async def test_what_a_letter_said_is_forgotten_once_somebody_has_dealt_with_it_and_the_trail_stays(
    order_settings: OrderSettings,
    servers: Servers,
) -> None:
    url = order_settings.database_url
    owner = await asyncpg.connect(servers.owner_url(url))
    for _ in range(2):
        await owner.execute(INSERT, b"12345678")
    await owner.execute(NOTE, 1, "edited", uuid4(), b"12345679")
    await owner.execute(NOTE, 1, "discarded", uuid4(), None)
    await owner.execute(NOTE, 2, "edited", uuid4(), b"12345679")
    async with Database.connect(url, size=2, name="tests") as db:
        for keep_days, left in ((1.0, 2), (0.0, 1)):
            forgetting = asyncio.ensure_future(forget_letters(db, keep_days))

            async def are_left(count: int = left) -> bool:
                tables = ("dead_letter", "dead_letter_trail")
                kept = [await rows(url, f"SELECT count(payload) FROM {table}") for table in tables]
                return kept == [[(count,)], [(count,)]]

            await eventually(are_left)
            forgetting.cancel()
    for rewriting in ("UPDATE dead_letter_trail SET by = 'bob'", "DELETE FROM dead_letter_trail"):
        with pytest.raises(asyncpg.RaiseError, match="not rewritten"):
            await owner.execute(rewriting)
    await owner.close()
    assert await rows(url, "SELECT id FROM dead_letter WHERE payload IS NULL") == [(1,)]


async def test_without_a_broker_or_a_service_it_says_so_in_a_line(
    servers: Servers, tmp_path: Path, nats_url: str
) -> None:
    operator = Operator(servers, tmp_path)
    said = await operator.types("list")
    assert said.code == 1
    assert len(said.err.splitlines()) == 7  # one for each service with a database
    operator.broker = f"127.0.0.1:{free_port()}"
    away = await operator.types("list")
    assert (away.code, away.out) == (1, "")
    assert away.err.splitlines()[-1] == "dlq: the broker does not answer; is the stack up?"
