"""What is parked, looked at, mended, tried again and discarded: by the command, against services that run."""

import asyncio
import base64
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import msgspec

from common.contracts.order import CreateOrder, OrderCreated
from common.ids import new_id
from common.messaging.codec import encode
from common.postgres.database import Database
from order.__main__ import program
from order.settings import OrderSettings
from tests.integration.letters.hands import Operator, parked, put, rows
from tests.integration.order.wire import Wire, purchase, registered
from tests.support import eventually, running

HERE = "cmd.order.create_order"
PAYMENT = "cmd.payment.capture_payment"


def create(**changed: object) -> bytes:
    """With these fields of its purchase."""
    known = msgspec.to_builtins(CreateOrder(purchase=purchase(new_id())))
    known["purchase"] |= changed
    return msgspec.json.encode(known)


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

            async def is_ready() -> bool:
                """Each dependency is given less than a second."""
                async with session.get(f"{url}/readyz") as answer:
                    ready = await answer.json()
                assert ready["status"] == "ok", ready
                return bool(ready["checks"]["dead_letters"]["seen"] == {"order": len(ids)})

            await eventually(is_ready)
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
