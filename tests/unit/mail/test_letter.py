"""Letters as a mail program reads them: parsed back from the bytes that go over the wire."""

import email.policy
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts.message import Item
from mail.letter import ANY_REASON, BOUNDARY, REASONS, Desk
from mail.model import Addressee, Content, Due, Failure, Mail, NotAnAddress, Receipt, Verification

DESK = Desk.of("Shop <shop@localhost>", domain="shop.example")
NOW = datetime(2026, 11, 21, 14, 5, tzinfo=UTC)
HEADERS = ["Message-ID", "Date", "From", "To", "Subject", "Auto-Submitted", "MIME-Version", "Content-Type"]


def due(content: Content, *, name: str = "An", to: str = "an@example.org") -> Due:
    mail = Mail(about=UUID(int=7), to=Addressee(to, name), content=content)
    return Due(mail=mail, tries=1, accepted_at=NOW)


def receipt(*names: str) -> Receipt:
    items = [
        Item(product_id=UUID(int=2), quantity=2, name=name, brand_name=name, unit_price=500) for name in names
    ]
    return Receipt(tuple(items), 1000 * len(items), "VND")


def written(letter_due: Due) -> EmailMessage:
    raw = DESK.letter(letter_due).as_bytes()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    return message_from_bytes(raw, policy=email.policy.default)


def part(letter: EmailMessage, kind: str) -> EmailMessage:
    found = letter.get_body((kind,))
    assert isinstance(found, EmailMessage)
    return found


def test_the_code_stands_alone_on_a_line_of_the_first_plain_unencoded_part() -> None:
    letter = written(due(Verification("01234567", NOW), name="Đặng"))
    first = next(letter.iter_parts())
    assert (first.get_content_type(), first["Content-Transfer-Encoding"]) == ("text/plain", "7bit")
    as_sent = str(first.get_payload())
    assert "01234567" in as_sent.splitlines()
    assert "2026-11-21 14:05 UTC" in as_sent


def test_a_verification_mail_carries_no_text_of_whoever_registered_the_address() -> None:
    raw = DESK.letter(due(Verification("01234567", NOW), name="http://spam.example")).as_bytes()
    assert b"spam" not in raw


def test_a_receipt_names_every_line_its_price_and_the_total_in_both_parts() -> None:
    letter = written(due(receipt("Trà sen", "Cup")))
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
    letter = DESK.letter(due(receipt("Trà sen")))
    assert part(letter, "plain")["Content-Transfer-Encoding"] == "8bit"
    assert "Trà sen".encode() in letter.as_bytes()


def test_a_server_that_takes_only_seven_bits_gets_it_encoded() -> None:
    raw = DESK.letter(due(receipt("Trà sen"))).as_bytes(policy=SMTP.clone(cte_type="7bit"))
    assert raw.isascii()
    letter = message_from_bytes(raw, policy=email.policy.default)
    for kind in ("plain", "html"):
        assert "Trà sen" in part(letter, kind).get_content()


@pytest.mark.parametrize("name", ["'" * 300, "😀" * 300, "&" * 300])
def test_no_line_is_longer_than_smtp_allows(name: str) -> None:
    for line in DESK.letter(due(receipt(name), name=name)).as_bytes().split(b"\r\n"):
        assert len(line) <= 998


@pytest.mark.parametrize("reason", [*REASONS, "something_new"])
def test_a_failure_notice_says_why_in_words(reason: str) -> None:
    text = part(written(due(Failure(reason))), "plain").get_content()
    assert REASONS.get(reason, ANY_REASON) in text
    assert reason not in text.split()


def test_what_a_seller_wrote_is_escaped_in_html() -> None:
    html = part(written(due(receipt("<script>alert(1)</script>"), name="<b>An")), "html").get_content()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "&lt;b&gt;An" in html


def test_a_repetition_is_the_same_letter_byte_for_byte() -> None:
    first, second = (DESK.letter(due(receipt("Tea"))) for _ in range(2))
    assert first.as_bytes() == second.as_bytes()
    assert first["Message-ID"].endswith("@shop.example>")


def test_no_name_can_end_a_part() -> None:
    letter = written(due(receipt(f"--{BOUNDARY}--"), name=f"\r\n--{BOUNDARY}"))
    assert [each.get_content_type() for each in letter.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


@given(name=st.text(), product=st.text())
def test_no_name_can_add_a_header_a_recipient_or_a_line(name: str, product: str) -> None:
    letter = written(due(receipt(product), name=name))
    assert letter.keys() == HEADERS
    assert [address.addr_spec for address in letter["To"].addresses] == ["an@example.org"]
    assert len(part(letter, "plain").get_content().splitlines()) == 10


@given(st.text())
def test_no_address_can_add_a_header_or_a_recipient(address: str) -> None:
    try:
        letter = DESK.letter(due(receipt("Tea"), to=address))
    except NotAnAddress:
        return
    parsed = message_from_bytes(letter.as_bytes(), policy=email.policy.default)
    assert parsed.keys() == HEADERS
    assert [each.addr_spec for each in parsed["To"].addresses] == [address]


@given(st.from_regex(r"[a-z=?,\"<>@\r\n \u0085\u2028]{1,9}@[a-z,<>\r\n]{1,9}", fullmatch=True))
def test_no_address_with_specials_can_either(address: str) -> None:
    try:
        letter = DESK.letter(due(receipt("Tea"), to=address))
    except NotAnAddress:
        return
    parsed = message_from_bytes(letter.as_bytes(), policy=email.policy.default)
    assert parsed.keys() == HEADERS
    assert len(parsed["To"].addresses) == 1
