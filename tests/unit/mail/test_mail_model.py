"""What a mail is, when it is tried again, what may stand on it."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts.account import (
    EmailChanged,
    PasswordChanged,
    PasswordResetRequested,
    VerificationRequested,
)
from common.contracts.message import Item, Purchase
from common.contracts.purchase import PurchaseCancelled, PurchaseCompleted
from mail.model import (
    Addressee,
    Change,
    Failure,
    Move,
    NotAnAddress,
    Receipt,
    delay,
    mailbox,
    notice,
    one_line,
    to_account,
)
from mail.money import money

AN = Addressee("an@example.org", "An")
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def purchase(attempt: int = 0) -> Purchase:
    return Purchase(
        id=UUID(int=7),
        attempt=attempt,
        account_id=UUID(int=1),
        items=(Item(product_id=UUID(int=2), quantity=3, name="Tea", brand_name="Leaf", unit_price=5),),
        total=15,
        currency_code="VND",
        method="cash",
        installments=1,
        issued_on=date(2026, 1, 1),
        deadline_at=NOW,
    )


def code(
    version: int, kind: type[VerificationRequested | PasswordResetRequested] = VerificationRequested
) -> VerificationRequested | PasswordResetRequested:
    return kind(
        entity_id=UUID(int=1),
        version=version,
        issued_on=date(2026, 1, 1),
        email="an@example.org",
        first_name="An",
        code="01234567",
        expires_at=NOW,
    )


def test_a_completed_purchase_gets_one_receipt_whatever_the_attempt() -> None:
    first, again = (notice(PurchaseCompleted(purchase=purchase(attempt)), AN) for attempt in (0, 5))
    assert first == again
    assert first.content == Receipt(purchase().items, 15, "VND")
    assert (first.kind, first.key.id) == ("receipt", again.key.id)


def test_a_cancelled_purchase_gets_the_reason_and_another_id_than_a_receipt() -> None:
    cancelled = PurchaseCancelled(purchase=purchase(), status="FAILED", reason="card_declined")
    sent = notice(cancelled, AN)
    assert (sent.kind, sent.content) == ("failure", Failure("card_declined"))
    assert sent.key.id != notice(PurchaseCompleted(purchase=purchase()), AN).key.id


def test_every_code_is_a_mail_of_its_own() -> None:
    mails = [to_account(code(version)) for version in (1, 2, 2)]
    mails += [to_account(code(version, PasswordResetRequested)) for version in (1, 1)]
    assert len({mail.key for mail in mails}) == len({mail.key.id for mail in mails}) == 3
    assert {mail.expires_at for mail in mails} == {NOW}


@pytest.mark.parametrize(
    ("word", "content"), [(PasswordChanged, Change(date(2026, 1, 1))), (EmailChanged, Move(date(2026, 1, 1)))]
)
def test_that_something_changed_is_told_with_its_day_and_never_expires(
    word: type[PasswordChanged | EmailChanged], content: Change | Move
) -> None:
    event = word(
        entity_id=UUID(int=1), version=4, issued_on=date(2026, 1, 1), email="an@example.org", first_name="An"
    )
    mail = to_account(event)
    assert (mail.to.mailbox, mail.version, mail.expires_at) == ("an@example.org", 4, None)
    assert mail.content == content


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_tries_get_rarer_but_never_rarer_than_the_most(tries: int, chance: float) -> None:
    pause = delay(tries, first=5, most=900, chance=chance)
    assert 4 <= pause <= 1081
    assert delay(tries, first=5, most=900, chance=0.5) <= delay(tries + 1, first=5, most=900, chance=0.5)


@pytest.mark.parametrize("address", ["an@example.org", "a.n+x@sub.example.org", "o'brien@localhost"])
def test_a_mailbox_is_taken_as_it_is(address: str) -> None:
    assert mailbox(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "an",
        "a@b@c",
        "a@b,c@d",
        "a b@c",
        "a@b\r\nBcc: x@y",
        "a@b\n",
        "a\u0085@b",
        "a@b\u2028",
        "<a@b>",
        '"a b"@c',
        "ă@b",
        "a@-b",
        "a@b..c",
    ],
)
def test_what_could_become_a_second_address_or_header_is_no_mailbox(address: str) -> None:
    with pytest.raises(NotAnAddress):
        mailbox(address)


@given(st.text())
def test_a_strangers_text_stays_on_one_short_printable_line(text: str) -> None:
    line = one_line(text)
    assert len(line) <= 120
    assert len(line.splitlines()) <= 1
    assert all(character.isprintable() for character in line)


@pytest.mark.parametrize(
    ("minor_units", "currency_code", "written"),
    [
        (1_250_000, "VND", "1,250,000 VND"),
        (1250, "USD", "12.50 USD"),
        (5, "EUR", "0.05 EUR"),
        (1234, "KWD", "1.234 KWD"),
        (-1250, "USD", "-12.50 USD"),
        (2**53 + 1, "USD", "90,071,992,547,409.93 USD"),
        (0, "JPY", "0 JPY"),
    ],
)
def test_money_is_written_with_the_digits_of_its_currency(
    minor_units: int, currency_code: str, written: str
) -> None:
    assert money(minor_units, currency_code) == written


def test_money_is_grouped_as_the_language_has_it() -> None:
    assert money(1_250_000, "VND", thousands=".", point=",") == "1.250.000 VND"
    assert money(-123_456_789, "USD", thousands=".", point=",") == "-1.234.567,89 USD"
