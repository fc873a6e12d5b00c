"""Causes, and what a terminal is shown."""

from datetime import UTC, datetime, timedelta

import pytest

from common.contracts.letters import Open
from common.ids import new_id
from deploy.embedded.errors import StackError
from deploy.letters.causes import grouped, normalised
from deploy.letters.desk import Id, parsed
from deploy.letters.show import age, payload_lines, plain


def letter(number: int, error: str, subject: str = "cmd.order.create_order") -> Open:
    return Open(
        id=number,
        durable="order",
        subject=subject,
        message_id=None,
        deliveries=5,
        error=error,
        parked_at=datetime.now(UTC),
        size=1,
        edited=False,
    )


def test_ids_and_numbers_make_no_cause_and_neither_does_what_follows_the_first_line() -> None:
    assert normalised(f"no row {new_id()} in 17 ms\nTraceback") == "no row ID in N ms"
    assert normalised("key d41d8cd98f00b204e9800998ecf8427e") == "key ID"
    assert normalised("decade") == "decade"
    assert normalised("") == ""
    letters = [
        letter(1, f"no {new_id()}"),
        letter(2, f"no {new_id()}"),
        letter(3, "another"),
        letter(4, "no 1", "x"),
    ]
    causes = grouped(("order", each) for each in letters)
    assert causes[0].ids == [1, 2]
    assert len({cause.name for cause in causes}) == len(causes) == 3
    assert {cause.name for cause in causes}.isdisjoint(
        cause.name for cause in grouped(("mail", each) for each in letters)
    )


def test_nothing_that_a_message_says_steers_the_terminal() -> None:
    assert plain("a\x1b[2J\nb\x9b\u202e") == "a\\x1b[2J\\nb\\x9b\\u202e"
    assert plain("Lê 15.000 ₫") == "Lê 15.000 ₫"
    assert all(line.isprintable() for line in payload_lines(b'{"a": "\\u001b[2J", "b": "\\u202e"}'))


def test_a_payload_is_json_or_text_or_bytes() -> None:
    assert payload_lines(b'{"a":[1]}') == ["{", '  "a": [', "    1", "  ]", "}"]
    assert payload_lines(b"{half") == ["{half"]
    assert payload_lines(b"\xff\x00") == ["00000000  ff 00"]
    assert payload_lines(b"[" * 100_000)[0].startswith("[[")
    assert payload_lines(bytes([255]) * 5000)[-1] == "... 5000 bytes; --raw writes all"


@pytest.mark.parametrize(
    "text", ["17", "order:", "order:x", "order:-1", "order:1:2", "orchestrator:1", "order:\u0661"]
)
def test_what_is_no_id_is_told_so(text: str) -> None:
    with pytest.raises(StackError, match="is no letter's id"):
        parsed(text)


def test_an_id_names_its_service() -> None:
    assert parsed("order:17") == Id("order", 17)
    assert str(parsed("order:17")) == "order:17"


def test_ages_are_told_in_the_largest_unit() -> None:
    now = datetime.now(UTC)
    spans = {"0 s": -5, "59 s": 59, "1 min": 60, "23 h": 86_399, "3 d": 3 * 86_400}
    assert [age(now - timedelta(seconds=each), now) for each in spans.values()] == list(spans)
