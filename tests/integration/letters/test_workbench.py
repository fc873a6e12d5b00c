"""What is parked, looked at, mended, tried again and discarded: by the command, against services that run."""

import asyncio
import base64
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import aiohttp
import asyncpg
import msgspec
import pytest

from common.contracts.letters import RetryLetter, ShowLetter
from common.contracts.order import CreateOrder, OrderCreated
from common.ids import new_id
from common.messaging.broker import broker
from common.messaging.codec import encode
from common.messaging.requests import Requests
from common.messaging.workbench import forget_letters
from common.postgres.database import Database
from order.__main__ import program
from order.settings import OrderSettings
from tests.integration.letters.hands import Operator, parked, put, rows
from tests.integration.order.wire import Wire, purchase, registered
from tests.servers import Servers
from tests.support import eventually, free_port, running

HERE = "cmd.order.create_order"
PAYMENT = "cmd.payment.capture_payment"


def create(**changed: object) -> bytes:
    """With these fields of its purchase."""
    known = msgspec.to_builtins(CreateOrder(purchase=purchase(new_id())))
    known["purchase"] |= changed
    return msgspec.json.encode(known)


INSERT = """
INSERT INTO dead_letter (durable, subject, payload, deliveries, error) VALUES ('order', 'x', $1, 1, 'z')
"""
NOTE = """
INSERT INTO dead_letter_trail (letter_id, action, key, by, reason, payload) VALUES ($1, $2, $3, 'ann', '', $4)
"""


BAD: Mapping[str, bytes] = {
    "half of it": create()[:-20],
    "no text": b"\x00\xff\xfe",
    "nothing": b"",
    "another version": create().replace(HERE.encode(), b"cmd.order.create_order.v9"),
    "an unknown word": b'{"type":"cmd.order.burn","v":1}',
    "a forged word": create().replace(HERE.encode(), b"cmd.order.cancel_order"),
    "wrong types": create(total="many"),
    "no id": create(id="1"),
    "a depth": b"[" * 50_000,
    "a day that no inbox has": create(issued_on="2099-01-01"),
    "a number that no table has": create(total=2**63 - 1, account_id=str(new_id())),
    "a huge one": create(method="x" * 900_000),
}


async def test_whatever_cannot_be_read_is_parked_as_it_came_and_can_be_looked_at(
    world: Wire,
    order_settings: OrderSettings,
    operator: Operator,
) -> None:
    me = new_id()
    bad = {name: payload for name, payload in BAD.items() if not name.startswith(("a number", "a huge"))}
    huge = BAD["a huge one"][:-3]
    async with running(order_settings, program) as url:
        for name, payload in bad.items():
            await put(world.client, HERE, payload, **{"Nats-Msg-Id": f"bad:{name}", "Correlation-Id": "x"})
        await put(world.client, HERE, huge, **{"Nats-Msg-Id": "bad:huge"})
        good = CreateOrder(purchase=purchase(me))
        await world.say(registered(me), good)
        assert isinstance(await world.answer(good), OrderCreated)
        await parked(order_settings.database_url, len(bad) + 1)
        causes = [cause for cause in await operator.causes() if cause["service"] == "order"]
        ids = [letter for cause in causes for letter in cause["ids"]]
        assert len(ids) == len(bad) + 1
        assert len(causes) < len(ids)  # of some there are several
        seen = {}
        for letter in ids:
            shown = await operator.shown(letter)
            seen[shown["headers"]["Nats-Msg-Id"]] = base64.b64decode(shown["payload"])
            assert (shown["subject"], shown["durable"], shown["trail"]) == (HERE, "order", [])
            assert shown["error"]
        assert seen == {f"bad:{name}": payload for name, payload in bad.items()} | {"bad:huge": huge}
        listed = await operator.types("list")
        assert all(cause["name"] in listed.out for cause in causes)
        assert "\x00" not in listed.out
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{url}/metrics") as answer:
                assert f'shop_open_dead_letters{{durable="order"}} {float(len(ids))}' in await answer.text()
            async with session.get(f"{url}/readyz") as answer:
                ready = await answer.json()
        assert ready["status"] == "ok"
        assert ready["checks"]["dead_letters"]["seen"] == {"order": len(ids)}
        discarded = await operator.types("discard", *(cause["name"] for cause in causes), "--reason", "tests")
        assert discarded.code == 0, discarded.err
        assert [cause for cause in await operator.causes() if cause["service"] == "order"] == []


async def test_a_letter_that_was_mended_has_its_effect_once_and_the_trail_tells_everything(
    world: Wire,
    order_settings: OrderSettings,
    operator: Operator,
    tmp_path: Path,
) -> None:
    me = new_id()
    right = CreateOrder(purchase=purchase(me))
    wrong = encode(right).replace(b'"total":13000', b'"total":"many"')
    assert wrong != encode(right)
    async with running(order_settings, program):
        await world.say(registered(me))
        await put(world.client, HERE, wrong, **{"Nats-Msg-Id": right.id})
        await parked(order_settings.database_url, 1)
        failed = await operator.types("retry", "order:1", "--by", "ann", "--reason", "is it mended?")
        assert (failed.code, failed.out) == (1, "")
        assert failed.err.startswith("order:1 failed again: ValidationError(")
        mended = tmp_path / "mended.json"
        mended.write_bytes(encode(right))
        edited = await operator.types("edit", "order:1", "--payload", str(mended), "--by", "ann")
        assert (edited.code, edited.out) == (0, "order:1 edited\n")
        assert world.heard == {}
        assert (await operator.types("show", "order:1", "--raw")).out.encode() == encode(right)
        assert (await operator.types("show", "order:1", "--raw", "--original")).out.encode() == wrong
        told = await asyncio.gather(
            *(operator.types("retry", "order:1", "--by", by) for by in ("ann", "bob"))
        )
        assert isinstance(await world.answer(right), OrderCreated)
        assert sorted(each.code for each in told) == [0, 1]
        [late] = [each for each in told if each.code]
        assert "order:1 is not open: retried by" in late.err
        refused = await operator.types("discard", "order:1", "--reason", "too late")
        assert refused.code == 1
    assert world.count == 1
    url = order_settings.database_url
    assert await rows(url, "SELECT id FROM orders") == [(right.purchase.id,)]
    trail = await rows(url, "SELECT action, by, reason FROM dead_letter_trail ORDER BY id")
    assert trail[:3] == [
        ("begun", "ann", "is it mended?"),
        ("failed", "ann", "is it mended?"),
        ("edited", "ann", ""),
    ]
    assert [action for action, *_ in trail].count("retried") == 1
    assert "discarded" not in [action for action, *_ in trail]


async def test_a_letter_whose_cause_is_gone_is_retried_even_after_the_inbox_has_forgotten_its_day(
    world: Wire,
    order_settings: OrderSettings,
    operator: Operator,
) -> None:
    """By cause: two that waited for an account that was heard of later, one of them from long ago."""
    me = new_id()
    url = order_settings.database_url
    first, second = CreateOrder(purchase=purchase(me)), CreateOrder(purchase=purchase(me))
    old = CreateOrder(
        purchase=msgspec.structs.replace(
            second.purchase, issued_on=first.purchase.issued_on.replace(year=2020)
        )
    )
    async with Database.connect(url, size=1, name="tests") as db, db.begin() as tx:
        for word in (first, old):
            await tx.execute(
                "INSERT INTO dead_letter (message_id, durable, subject, payload, deliveries, error) "
                "VALUES ($1, 'order', $2, $3, 5, $4)",
                *(
                    word.id,
                    HERE,
                    encode(word),
                    f"ForeignKeyViolationError('account {new_id()} is not there')",
                ),
            )
    async with running(order_settings, program):
        [cause] = await operator.causes()
        assert cause["ids"] == ["order:1", "order:2"]
        assert cause["error"] == "ForeignKeyViolationError('account ID is not there')"
        assert (await operator.types("retry", cause["name"])).code == 1
        await world.say(registered(me))
        await eventually(lambda: known(url))
        [cause] = await operator.causes()
        assert cause["error"].startswith("NotYet(")
        done = await operator.types("retry", cause["name"])
        assert (done.code, done.out) == (0, "order:1 retried\norder:2 retried\n")
        assert isinstance(await world.answer(first), OrderCreated)
        assert isinstance(await world.answer(old), OrderCreated)
    assert await rows(url, "SELECT count(*) FROM orders") == [(2,)]


async def known(url: str) -> bool:
    return await rows(url, "SELECT count(*) FROM account_state") == [(1,)]


async def test_an_editor_shapes_json_and_closes_it_again(
    world: Wire,
    order_settings: OrderSettings,
    operator: Operator,
    tmp_path: Path,
) -> None:
    editor = tmp_path / "editor.sh"
    editor.write_text('#!/bin/sh\nsed -i "s/burn/warm/" "$1"\n')
    editor.chmod(0o700)
    async with running(order_settings, program):
        await put(world.client, HERE, b'{"type":"cmd.order.burn","v":1}')
        await parked(order_settings.database_url, 1)
        assert (await operator.types("edit", "order:1", EDITOR=str(editor))).code == 0
        assert (await operator.types("show", "order:1", "--raw")).out == '{"type":"cmd.order.warm","v":1}'
        unchanged = await operator.types("edit", "order:1", EDITOR="true")
        assert (unchanged.code, unchanged.err) == (1, "dlq: nothing is changed\n")
        assert (await operator.types("edit", "order:1", EDITOR="false")).code == 1
        typed = await operator.types("edit", "order:1", "--payload", "-", typed=b"\xff")
        assert typed.code == 0
        assert "as it was edited:" in (await operator.types("show", "order:1")).out
    kept = await rows(order_settings.database_url, "SELECT payload FROM dead_letter_trail ORDER BY id")
    assert kept == [(b'{"type":"cmd.order.warm","v":1}',), (b"\xff",)]


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
