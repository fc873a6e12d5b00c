"""What was said before is understood now, and what is said now was understood before."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from account.views import meaning as meaning_of_account
from common.contracts.account import AccountChanged, AccountRegistered
from common.contracts.message import Message, subject
from common.messaging.codec import Codec, words
from common.messaging.outbox import as_outgoing
from common.messaging.streams import CATALOGUE, SPEAKERS
from product.views import meaning as meaning_of_product
from tests.recorded import record
from tests.recordings import messages, recordings, shapes

Json = dict[str, Any]

ALL: list[type[Message]] = words(*SPEAKERS)
TODAY: Json = msgspec.json.decode(msgspec.json.encode(record.shapes()))
of_each = pytest.mark.parametrize("recording", recordings(), ids=lambda each: each.name)


@of_each
def test_every_message_of_before_is_read_under_its_own_id(recording: Path) -> None:
    codec = Codec(ALL)
    for each in messages(recording):
        message = codec.heard(each.subject, each.payload)
        sent = as_outgoing(message)
        assert (sent.message_id, sent.correlation_id) == (each.id, each.headers["Correlation-Id"])
        assert sent.causation_id == each.header("Causation-Id")


def test_the_newest_recording_has_every_subject() -> None:
    said = {each.subject for each in messages(recordings()[-1])}
    assert said == {subject(word) for word in ALL}, "record it: CONTRIBUTING, How to change a contract"


def test_the_caches_understand_what_was_said_before() -> None:
    for each in messages(recordings()[0]):
        for kinds, meaning in (
            (CATALOGUE, meaning_of_product),
            ((AccountRegistered, AccountChanged), meaning_of_account),
        ):
            if each.subject in map(subject, kinds):
                assert meaning(Codec(kinds).heard(each.subject, each.payload)).changes is not None


def test_a_word_of_a_version_that_is_not_known_is_refused() -> None:
    spoken = messages(recordings()[-1])[0]
    newer = spoken.payload.replace(b'"v":1', b'"v":2')
    assert newer != spoken.payload
    with pytest.raises(msgspec.ValidationError):
        Codec(ALL).heard(spoken.subject, newer)


def test_no_message_forbids_what_a_later_one_may_say() -> None:
    assert not [word for word in ALL if word.__struct_config__.forbid_unknown_fields]


@of_each
def test_contracts_have_changed_only_by_fields_that_may_be_left_out(recording: Path) -> None:
    assert list(broken(shapes(recording), TODAY)) == []


def broken(before: Json, now: Json) -> Iterator[str]:
    """What a replica of the other release could not read, or would read otherwise.

    A question (`?`) forbids what it does not know: it does not change at all.
    """
    for name, shape in before["shapes"].items():
        if name not in now["shapes"]:
            yield f"{name} is gone"
        else:
            found = differences(shape, now["shapes"][name], (before, now), may_grow=not name.endswith("?"))
            yield from (f"{name}{each}" for each in found)


def differences(old: Json, new: Json, of: tuple[Json, Json], *, may_grow: bool) -> Iterator[str]:
    old, new = resolved(old, of[0]), resolved(new, of[1])
    fields, more = old.get("properties", {}), new.get("properties", {})
    for name, one, other in parts(old, new):
        yield from (f"{name}{each}" for each in differences(one, other, of, may_grow=may_grow))
    yield from (f".{name} is gone" for name in fields.keys() - more.keys())
    if set(old.get("required", ())) != set(new.get("required", ())):
        yield ": other fields are needed"
    if not may_grow and more.keys() - fields.keys():
        yield ": a question has another field"
    if bare(old) != bare(new):
        yield f": {bare(old)} has become {bare(new)}"


def parts(old: Json, new: Json) -> Iterator[tuple[str, Json, Json]]:
    """What both have, by its name: `v` has a test of its own."""
    fields, more = old.get("properties", {}), new.get("properties", {})
    yield from ((f".{name}", fields[name], more[name]) for name in fields.keys() & more.keys() - {"v"})
    for inside in ("items", "additionalProperties"):
        if isinstance(old.get(inside), dict) and isinstance(new.get(inside), dict):
            yield "", old[inside], new[inside]
    for one, other in zip(old.get("anyOf", ()), new.get("anyOf", ()), strict=False):
        yield "", one, other


def resolved(schema: Json, of: Json) -> Json:
    found: Json = of["$defs"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    return found


def bare(schema: Json) -> Json:
    """Without words, and of what is looked into only how much there is."""
    kinds = {"kinds": len(schema["anyOf"])} if "anyOf" in schema else {}
    lists = {"lists": True} if "items" in schema else {}
    return {name: value for name, value in schema.items() if name not in LOOKED_INTO} | kinds | lists


LOOKED_INTO = {"properties", "required", "title", "description", "items", "additionalProperties", "anyOf"}
PRODUCT = "evt.product.product_created"
ITEM = "Item"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda now: now["shapes"].pop(PRODUCT), f"{PRODUCT} is gone"),
        (lambda now: fields(now, "ProductCreated").pop("name"), f"{PRODUCT}.name is gone"),
        (
            lambda now: now["$defs"]["ProductCreated"]["required"].append("colour"),
            f"{PRODUCT}: other fields are needed",
        ),
        (
            lambda now: fields(now, "ProductCreated").update(price={"type": "string"}),
            f"{PRODUCT}.price: {{'type': 'integer'}} has become {{'type': 'string'}}",
        ),
        (
            lambda now: fields(now, ITEM).update(unit_price={"type": "integer", "default": 1}),
            "cmd.order.create_order.purchase.items.unit_price: "
            "{'type': 'integer', 'default': 0} has become {'type': 'integer', 'default': 1}",
        ),
        (
            lambda now: fields(now, "ProductCheck").update(colour={"type": "string", "default": ""}),
            "product.check ?: a question has another field",
        ),
        (
            lambda now: fields(now, "ProductCreated")["cause_id"]["anyOf"].pop(),
            f"{PRODUCT}.cause_id: {{'default': None, 'kinds': 2}} has become {{'default': None, 'kinds': 1}}",
        ),
    ],
)
def test_any_other_change_is_noticed(change: Any, told: str) -> None:
    changed = deepcopy(TODAY)
    change(changed)
    assert told in set(broken(TODAY, changed))


def test_a_field_more_is_none() -> None:
    changed = deepcopy(TODAY)
    fields(changed, ITEM).update(colour={"type": "string", "default": ""})
    assert list(broken(TODAY, changed)) == []


def fields(now: Json, name: str) -> Json:
    found: Json = now["$defs"][name]["properties"]
    return found
