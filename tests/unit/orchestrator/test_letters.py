"""What the orchestrator makes of a letter that was retried: the event in it, or a letter of that."""

import msgspec
import pytest

from common.contracts.purchase import LetterRetried, PurchaseRequested
from common.messaging.codec import encode
from common.messaging.transactional import Stored
from orchestrator.purchase import PURCHASE
from orchestrator.worker import heard, inside
from tests.unit.orchestrator.test_saga import a_purchase

REQUESTED, RETRIED = "evt.purchase.requested", "evt.purchase.letter_retried"


def received(subject: str, payload: bytes) -> Stored:
    return Stored(1, 1, subject, payload, {})


def letter(payload: bytes, where: str = REQUESTED) -> Stored:
    day = a_purchase().issued_on
    word = LetterRetried(letter_id=7, attempt=3, retried_subject=where, payload=payload, issued_on=day)
    assert word.id == f"{RETRIED}:7:3"
    return received(RETRIED, encode(word))


def test_the_event_in_a_letter_is_decided_about_as_if_it_had_come_by_itself() -> None:
    event = PurchaseRequested(purchase=a_purchase())
    direct = heard(received(REQUESTED, encode(event)))
    assert heard(letter(encode(event))) == direct
    assert [each.id for each in PURCHASE.decide(direct)] == [each.id for each in PURCHASE.decide(event)]


@pytest.mark.parametrize("where", ["evt.purchase.completed", RETRIED])
def test_a_letter_is_believed_no_more_than_the_word_in_it(where: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        heard(letter(encode(PurchaseRequested(purchase=a_purchase())), where))


def test_what_is_parked_of_a_letter_is_the_word_in_it() -> None:
    assert inside(letter(b"\x00")) == (REQUESTED, b"\x00")
    assert inside(received(REQUESTED, b"{")) == (REQUESTED, b"{")
    assert inside(received(RETRIED, b"{")) == (RETRIED, b"{")
