"""Letters as a mail program reads them: parsed back from the bytes that go over the wire."""

import email.policy
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from uuid import UUID

import pytest
from aiosmtplib.email import flatten_message
from hypothesis import given
from hypothesis import strategies as st

from common.contracts.message import Item
from mail.language import Language, languages
from mail.letter import BOUNDARY, Desk
from mail.model import (
    Addressee,
    Change,
    Content,
    Failure,
    Mail,
    Move,
    NotAnAddress,
    Receipt,
    Reset,
    Verification,
)

DESKS = {
    name: Desk.of("Shop <shop@localhost>", domain="shop.example", language=Language.read(name))
    for name in languages()
}
DESK = DESKS["en"]
NOW = datetime(2026, 11, 21, 14, 5, tzinfo=UTC)
ALL_LANGUAGES = pytest.mark.parametrize("desk", DESKS.values(), ids=DESKS)
HEADERS = ["Message-ID", "Date", "To", "From", "Subject", "Auto-Submitted", "MIME-Version", "Content-Type"]


def mail(content: Content, *, name: str = "An", to: str = "an@example.org") -> Mail:
    return Mail(about=UUID(int=7), to=Addressee(to, name), content=content)


def receipt(*names: str) -> Receipt:
    items = [
        Item(product_id=UUID(int=2), quantity=2, name=name, brand_name=name, unit_price=500) for name in names
    ]
    return Receipt(tuple(items), 1000 * len(items), "VND")


ALL_CONTENTS: list[Content] = [
    Verification("01234567", NOW),
    Reset("01234567", NOW),
    Change(date(2026, 11, 21)),
    Move(date(2026, 11, 21)),
    receipt("Trà sen"),
    Failure("card_declined"),
]


def raw(mail: Mail, desk: Desk = DESK) -> bytes:
    return desk.letter(mail, NOW)


def written(mail: Mail, desk: Desk = DESK) -> EmailMessage:
    wire = raw(mail, desk)
    assert max(map(len, wire.split(b"\r\n"))) <= 998
    return message_from_bytes(wire, policy=email.policy.default)


def part(letter: EmailMessage, kind: str) -> EmailMessage:
    found = letter.get_body((kind,))
    assert isinstance(found, EmailMessage)
    return found


@ALL_LANGUAGES
@pytest.mark.parametrize("content", ALL_CONTENTS, ids=lambda content: type(content).__name__)
def test_every_mail_is_written_in_every_language_in_two_parts(desk: Desk, content: Content) -> None:
    letter = written(mail(content), desk)
    assert letter.keys() == HEADERS
    assert letter["Subject"] == desk.language.words.subjects[mail(content).kind]
    assert [each.get_content_type() for each in letter.iter_parts()] == ["text/plain", "text/html"]
    assert all("$" not in each.get_content() for each in letter.iter_parts())


@ALL_LANGUAGES
@pytest.mark.parametrize("kind", [Verification, Reset])
def test_the_code_stands_alone_on_a_line_of_the_first_plain_unencoded_part(
    desk: Desk, kind: type[Verification | Reset]
) -> None:
    first = next(written(mail(kind("01234567", NOW), name="Đặng"), desk).iter_parts())
    assert (first.get_content_type(), first["Content-Transfer-Encoding"]) == ("text/plain", "7bit")
    as_sent = str(first.get_payload())
    assert as_sent.splitlines().count("01234567") == 1
    assert NOW.strftime(desk.language.words.moment) in as_sent


@ALL_LANGUAGES
@pytest.mark.parametrize("content", ALL_CONTENTS[:3], ids=lambda content: type(content).__name__)
def test_a_mail_about_an_account_carries_no_text_of_whoever_registered_the_address(
    desk: Desk, content: Content
) -> None:
    assert b"spam" not in raw(mail(content, name="http://spam.example"), desk)


def test_numbers_and_times_are_written_as_the_language_has_them() -> None:
    vietnamese = DESKS["vi"]
    text = part(written(mail(receipt("Trà sen", "Cup")), vietnamese), "plain").get_content()
    assert "Tổng cộng: 2.000 VND" in text
    assert "Xin chào An," in text
    code = part(written(mail(Reset("01234567", NOW)), vietnamese), "html").get_content()
    assert "14:05 21/11/2026 (UTC)" in code
    changed = part(written(mail(Change(date(2026, 11, 21))), vietnamese), "plain").get_content()
    assert "ngày 21/11/2026" in changed


def test_a_receipt_names_every_line_its_price_and_the_total_in_both_parts() -> None:
    letter = written(mail(receipt("Trà sen", "Cup")))
    for kind in ("plain", "html"):
        text = part(letter, kind).get_content()
        for expected in (
            "Trà sen",
            "Cup",
            "500 VND",
            "1,000 VND",
            "2,000 VND",
            str(UUID(int=7)),
            "Hello An,",
        ):
            assert expected in text


def test_a_text_part_with_accents_stays_readable_on_the_wire() -> None:
    tea = mail(receipt("Trà sen"))
    assert part(written(tea), "plain")["Content-Transfer-Encoding"] == "8bit"
    assert "Trà sen".encode() in raw(tea)


def test_a_server_that_takes_only_seven_bits_gets_it_encoded() -> None:
    letter = message_from_bytes(raw(mail(receipt("Trà sen"))), policy=SMTP)
    wire = flatten_message(letter, cte_type="7bit")
    assert wire.isascii()
    letter = message_from_bytes(wire, policy=email.policy.default)
    for kind in ("plain", "html"):
        assert "Trà sen" in part(letter, kind).get_content()


@ALL_LANGUAGES
@pytest.mark.parametrize("name", ["'" * 300, "😀" * 300, "&" * 300])
def test_no_line_is_longer_than_smtp_allows(desk: Desk, name: str) -> None:
    for line in raw(mail(receipt(name), name=name), desk).split(b"\r\n"):
        assert len(line) <= 998


@ALL_LANGUAGES
@pytest.mark.parametrize("reason", [*DESK.language.words.reasons, "something_new"])
def test_a_failure_notice_says_why_in_words(desk: Desk, reason: str) -> None:
    words = desk.language.words
    text = part(written(mail(Failure(reason)), desk), "plain").get_content()
    assert words.reasons.get(reason, words.any_reason) in text
    assert reason not in text.split()


def test_what_a_seller_wrote_is_escaped_in_html() -> None:
    html = part(written(mail(receipt("<script>alert(1)</script>"), name="<b>An")), "html").get_content()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "&lt;b&gt;An" in html


def test_a_repetition_is_the_same_letter_byte_for_byte() -> None:
    first, second = (raw(mail(receipt("Tea"))) for _ in range(2))
    assert first == second
    assert written(mail(receipt("Tea")))["Message-ID"].endswith("@shop.example>")


@ALL_LANGUAGES
def test_no_name_can_end_a_part(desk: Desk) -> None:
    for name in (f"--{BOUNDARY}--", f"\r\n--{BOUNDARY}"):
        letter = written(mail(receipt(name), name=name), desk)
        assert [each.get_content_type() for each in letter.walk()] == [
            "multipart/alternative",
            "text/plain",
            "text/html",
        ]


@given(name=st.text(), product=st.text())
def test_no_name_can_add_a_header_a_recipient_or_a_line(name: str, product: str) -> None:
    letter = written(mail(receipt(product), name=name))
    assert letter.keys() == HEADERS
    assert [address.addr_spec for address in letter["To"].addresses] == ["an@example.org"]
    assert len(part(letter, "plain").get_content().splitlines()) == 10


@given(st.text())
def test_no_address_can_add_a_header_or_a_recipient(address: str) -> None:
    try:
        letter = DESK.letter(mail(receipt("Tea"), to=address), NOW)
    except NotAnAddress:
        return
    parsed = message_from_bytes(letter, policy=email.policy.default)
    assert parsed.keys() == HEADERS
    assert [each.addr_spec for each in parsed["To"].addresses] == [address]


@given(st.from_regex(r"[a-z=?,\"<>@\r\n \u0085\u2028]{1,9}@[a-z,<>\r\n]{1,9}", fullmatch=True))
def test_no_address_with_specials_can_either(address: str) -> None:
    try:
        letter = DESK.letter(mail(receipt("Tea"), to=address), NOW)
    except NotAnAddress:
        return
    parsed = message_from_bytes(letter, policy=email.policy.default)
    assert parsed.keys() == HEADERS
    assert len(parsed["To"].addresses) == 1
