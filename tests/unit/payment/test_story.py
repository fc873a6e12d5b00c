"""Whole purchases, in any order of messages and answers, against the provider's real book."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from common.contracts.message import Reply
from common.contracts.payment import (
    AuthorizePayment,
    CapturePayment,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentDeclined,
    PaymentVoided,
    VoidPayment,
)
from deploy.psp.book import Authorize, Book, Capture, Request, Void
from payment.model import rules
from payment.model.answers import Answer, Authorized, Captured, Declined, Refused, Unknown, Voided
from payment.model.row import Payment, Status
from payment.model.rules import PaymentCommand
from tests.unit.payment.words import FIXED, authorize, capture, void

KEY = str(FIXED.id)


class Story:
    """One payment, one provider; answers may be lost, and arrive again, late, or never."""

    def __init__(self) -> None:
        self.payment: Payment | None = None
        self.book = Book()
        self.said: list[Reply] = []
        self.on_the_way: list[tuple[Status, Answer]] = []

    def hear(self, command: PaymentCommand) -> None:
        self.payment, replies = rules.hear(self.payment, command)
        self._say(replies)

    def ask(self) -> None:
        if self.payment and self.payment.status.waits:
            self.on_the_way.append((self.payment.status, self._answer(self.payment.status)))

    def learn(self, which: int) -> None:
        if self.payment and self.on_the_way:
            self.payment, replies = rules.learn(self.payment, *self.on_the_way[which % len(self.on_the_way)])
            self._say(replies)

    def settle(self) -> None:
        while self.payment and self.payment.status.waits:
            self.payment, replies = rules.learn(
                self.payment, self.payment.status, self._answer(self.payment.status)
            )
            self._say(replies)

    def _answer(self, status: Status) -> Answer:
        key, request = question(status)
        entry = self.book.known(key, request) or self.book.decide(key, request, datetime.now(UTC))
        self.book.record(entry)
        match entry.status, entry.reason:
            case "authorized", _:
                return Authorized()
            case "declined", reason:
                return Declined(reason or "")
            case "captured", _:
                return Captured()
            case "voided", _:
                return Voided()
            case _, reason:
                return Refused(reason or "")

    def _say(self, replies: list[Reply]) -> None:
        self.said += replies
        hold = self.book.holds.get(KEY)
        held = hold is not None and hold.status == "authorized"
        for reply in replies:
            match reply:
                case PaymentVoided():
                    assert hold is None or hold.status in {"declined", "voided"}, "voided, but still held"
                case PaymentCaptured():
                    assert hold is not None
                    assert hold.status == "captured", "captured, but not taken"
                case PaymentAuthorized():
                    assert held or (hold is not None and hold.status == "captured"), (
                        "authorized, but not held"
                    )


def question(status: Status) -> tuple[str, Request]:
    match status:
        case Status.AUTHORIZING:
            return KEY, Authorize(amount=500, currency_code="VND", method="credit_card", installments=3)
        case Status.CAPTURING:
            return f"{KEY}:capture", Capture(authorization=KEY)
        case _:
            return f"{KEY}:void", Void(authorization=KEY)


ATTEMPTS = st.integers(0, 3).map(lambda attempt: replace(FIXED, attempt=attempt))
MOVES = st.one_of(
    st.tuples(st.just("ask"), st.just(0)),
    st.tuples(st.just("learn"), st.integers(0, 9)),
    st.tuples(st.just("lose"), st.just(0)),
)
FAILING = st.lists(st.one_of(MOVES, ATTEMPTS.map(authorize), ATTEMPTS.map(void)), max_size=25)
COMPLETING = st.lists(st.one_of(MOVES, ATTEMPTS.map(authorize)), max_size=12)
CLOSING = st.lists(st.one_of(MOVES, ATTEMPTS.map(authorize), ATTEMPTS.map(capture)), max_size=15)
Moves = list[tuple[str, int] | AuthorizePayment | CapturePayment | VoidPayment]


def tell(story: Story, moves: Moves) -> None:
    for move in moves:
        match move:
            case ("ask", _):
                story.ask()
            case ("learn", int(which)):
                story.learn(which)
            case ("lose", _):
                story.on_the_way.append((Status.AUTHORIZING, Unknown("lost")))
            case AuthorizePayment() | CapturePayment() | VoidPayment():
                story.hear(move)


@given(moves=FAILING)
def test_a_voided_purchase_leaves_no_hold_and_says_so_to_its_last_attempt(moves: Moves) -> None:
    story = Story()
    tell(story, moves)
    last = void(replace(FIXED, attempt=9))
    story.hear(last)
    story.settle()
    assert story.payment is not None
    assert story.payment.status in {Status.VOIDED, Status.DECLINED, Status.TOMBSTONE}
    hold = story.book.holds.get(KEY)
    assert hold is None or hold.status != "authorized"
    assert f"{last.id}:r" in {reply.id for reply in story.said if isinstance(reply, PaymentVoided)}
    assert sum(entry.status == "authorized" for entry in story.book.entries.values()) <= 1


@given(before=COMPLETING, after=CLOSING)
def test_a_completed_purchase_is_captured_once_and_never_declined(before: Moves, after: Moves) -> None:
    story = Story()
    tell(story, before)
    story.hear(authorize(replace(FIXED, attempt=4)))
    story.settle()
    tell(story, after)
    last = capture(replace(FIXED, attempt=9))
    story.hear(last)
    story.settle()
    assert story.payment is not None
    assert story.payment.status is Status.CAPTURED
    assert f"{last.id}:r" in {reply.id for reply in story.said if isinstance(reply, PaymentCaptured)}
    assert not any(isinstance(reply, PaymentDeclined) for reply in story.said)
    assert [entry.amount for entry in story.book.entries.values() if entry.status == "captured"] == [500]
