"""What the simulated provider decides."""

from datetime import UTC, datetime

import pytest

from deploy.psp.book import Authorize, Book, Capture, Entry, KeyReused, Request, Void

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def told(book: Book, key: str, request: Request) -> Entry:
    entry = book.known(key, request) or book.decide(key, request, NOW)
    book.record(entry)
    return entry


def card(token: str = "tok_ok", amount: int = 100) -> Authorize:
    return Authorize(amount=amount, currency_code="VND", method="credit_card", installments=1, token=token)


@pytest.mark.parametrize(
    ("token", "status", "reason"),
    [
        ("tok_ok", "authorized", None),
        ("tok_slow", "authorized", None),
        ("tok_timeout_after", "authorized", None),
        ("tok_error_after", "authorized", None),
        ("tok_decline", "declined", "card_declined"),
        ("4111111111111111", "declined", "unknown_token"),
    ],
)
def test_a_token_scripts_the_answer(token: str, status: str, reason: str | None) -> None:
    entry = told(Book(), "a", card(token))
    assert (entry.status, entry.reason) == (status, reason)
    assert entry.amount == (100 if status == "authorized" else 0)


def test_above_the_limit_it_declines_and_at_the_limit_it_does_not() -> None:
    book = Book(payment_limit=100)
    assert told(book, "a", card(amount=101)).reason == "limit_exceeded"
    assert told(book, "b", card(amount=100)).status == "authorized"


def test_one_key_means_one_request() -> None:
    book = Book()
    assert told(book, "a", card()) is told(book, "a", card())
    with pytest.raises(KeyReused):
        told(book, "a", card(amount=99))
    with pytest.raises(KeyReused):
        told(book, "a", Void(authorization="a"))


def test_a_hold_is_captured_once() -> None:
    book = Book()
    told(book, "a", card())
    assert told(book, "c1", Capture(authorization="a")).amount == 100
    again = told(book, "c2", Capture(authorization="a"))
    assert (again.status, again.reason, again.amount) == ("refused", "captured", 0)


@pytest.mark.parametrize("before", [[], [card("tok_decline")], [card(), Void(authorization="a")]])
def test_nothing_held_is_nothing_captured(before: list[Request]) -> None:
    book = Book()
    for number, request in enumerate(before):
        told(book, "a" if isinstance(request, Authorize) else f"v{number}", request)
    refused = told(book, "c", Capture(authorization="a"))
    assert (refused.status, refused.amount) == ("refused", 0)


def test_a_void_gives_back_once_and_is_refused_after_the_capture() -> None:
    book = Book()
    told(book, "a", card())
    assert told(book, "v1", Void(authorization="a")).amount == 100
    assert told(book, "v2", Void(authorization="a")).amount == 0
    told(book, "b", card())
    told(book, "c", Capture(authorization="b"))
    assert told(book, "v3", Void(authorization="b")).reason == "captured"
    assert book.holds["b"].status == "captured"


def test_a_void_that_comes_first_forbids_the_hold_for_ever() -> None:
    book = Book()
    first = told(book, "v", Void(authorization="a"))
    assert (first.status, first.amount) == ("voided", 0)
    assert told(book, "a", card()).reason == "voided"
