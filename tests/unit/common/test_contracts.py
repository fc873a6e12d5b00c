"""The words: one subject each, ids derived, the wire stable."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from common.contracts import account, mail, order, payment, product, purchase
from common.contracts.message import Command, EntityEvent, Message, Purchase, Reply, subject
from common.ids import new_id
from common.messaging.codec import Codec, encode, words
from common.messaging.streams import CONSUMERS, SPEAKERS, consumer, stream

ALL: list[type[Message]] = words(*SPEAKERS)

CONTEXT = Purchase(
    id=new_id(),
    attempt=2,
    account_id=new_id(),
    items=(),
    currency_code="VND",
    method="cash",
    installments=1,
    issued_on=date(2026, 1, 2),
    deadline_at=datetime(2026, 1, 2, tzinfo=UTC),
)


def test_every_subject_is_unique_and_belongs_to_the_stream() -> None:
    subjects = [subject(word) for word in ALL]
    assert len(subjects) == len(set(subjects))
    prefixes = tuple(each.removesuffix(">") for each in stream(replicas=1, max_bytes=1).subjects or [])
    assert all(each.startswith(prefixes) for each in subjects)


@pytest.mark.parametrize("speaker", [account, product, order, payment, purchase, mail])
def test_every_word_is_said_by_or_to_the_service_whose_file_it_stands_in(speaker: ModuleType) -> None:
    owner = speaker.__name__.rsplit(".", 1)[1]
    assert all(subject(word).split(".")[1] == owner for word in words(speaker))


def test_a_command_is_heard_by_its_owner_and_by_nobody_else() -> None:
    for word in ALL:
        if subject(word).startswith("cmd."):
            owner = subject(word).split(".")[1]
            hearing = {
                each.durable for each in CONSUMERS if any(matches(f, subject(word)) for f in each.filters)
            }
            assert hearing == {owner}


def matches(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith(".>") else pattern == name


def test_no_consumer_hears_a_message_twice() -> None:
    for hears in CONSUMERS:
        for word in ALL:
            assert sum(matches(pattern, subject(word)) for pattern in hears.filters) <= 1
        assert consumer(hears).max_deliver == -1


def test_ids_are_derived_and_differ_by_attempt() -> None:
    command = product.ReserveStock(purchase=CONTEXT)
    assert command.id == f"cmd.product.reserve_stock:{CONTEXT.id}:2"
    reply = product.StockReserved.following(command)
    assert reply.id == f"{command.id}:r"
    refusal = product.StockRefused(cause_id=command.id, purchase=CONTEXT, reason="x")
    assert refusal.id == reply.id  # one answer per command, whatever it is
    assert reply.dated == CONTEXT.issued_on
    again = product.ReserveStock(purchase=msgspec.structs.replace(CONTEXT, attempt=3))
    assert again.id != command.id


def test_every_word_survives_the_wire() -> None:
    codec = Codec(ALL)
    for word in ALL:
        message = example(word)
        wire = encode(message)
        assert json.loads(wire)["type"] == subject(word)
        assert codec.decode(wire) == message


def example(word: type[Message]) -> Message:
    """Any instance: made from the annotations, so that a new word is covered by itself."""
    values: dict[str, object] = {}
    for field in msgspec.structs.fields(word):
        if field.required:
            values[field.name] = CONTEXT if field.name == "purchase" else SAMPLES[str(field.type)]
    return word(**values)  # type: ignore[arg-type]


SAMPLES: dict[str, object] = {
    str(str): "text",
    str(int): 1,
    str(bool): True,
    str(bytes): b"\x00bytes",
    str(date): date(2026, 1, 1),
    str(datetime): datetime(2026, 1, 1, tzinfo=UTC),
    str(type(new_id())): new_id(),
}


def test_all_words_are_commands_events_or_letters() -> None:
    kinds = (Command, Reply, EntityEvent, purchase.ParkMessage, purchase.LetterRetried)
    others = [word for word in ALL if not issubclass(word, kinds)]
    assert {subject(word) for word in others} == {
        "evt.purchase.requested",
        "evt.purchase.completed",
        "evt.purchase.cancelled",
    }
    assert Path(purchase.__file__).name == "purchase.py"
