"""Where a purchase stands, and why, from what its rows and messages say."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from deploy.audit.history import History
from deploy.audit.moments import Word
from deploy.trace import show
from deploy.trace.hops import FORWARD, hops, reached
from deploy.trace.standing import Standing, Waiting, standing

ID = UUID(int=7)
BEGAN = datetime(2026, 11, 27, 3, tzinfo=UTC)
RUNNING = dict.fromkeys(("product", "order", "payment", "purchase", "orchestrator", "mail"), Waiting(1, 0, 0))
RESERVE, RESERVED = "cmd.product.reserve_stock", "evt.product.stock_reserved"
STEP = timedelta(milliseconds=10)


def name(subject: str) -> str:
    """Replies are named by what they answer."""
    if subject == RESERVED:
        return f"{name(RESERVE)}:r"
    if subject.startswith(("evt.order", "evt.payment")):
        return f"{FORWARD[FORWARD.index(subject) - 1]}:{ID}:0:r"
    return f"{subject}:{ID}:0"


def way(until: str) -> list[Word]:
    """Every word up to this one, ten milliseconds apart, on the stream one later, and heard by nobody yet."""
    words = []
    for place, subject in enumerate(FORWARD[: FORWARD.index(until) + 1]):
        at = BEGAN + place * STEP
        words.append(Word(name(subject), subject, at, at, place + 1, at + STEP / 10))
    return words


def purchase(**changed: Any) -> Mapping[str, Any]:
    known = {
        "status": "TIMED_OUT",
        "reason": "deadline",
        "acknowledged": 0,
        "created_at": BEGAN,
        "deadline_at": BEGAN + timedelta(seconds=30),
        "decided_at": BEGAN + timedelta(seconds=30),
        "settled_at": None,
    }
    return known | changed


def told(
    words: list[Word],
    facts: Mapping[str, Any] | None = None,
    waiting: Mapping[str, Waiting] = RUNNING,
    **changed: Any,
) -> Standing:
    known = {"purchase": [purchase(**changed)], "dead letters": [], "payment": []} | dict(facts or {})
    return standing(History(ID, known, [], words), waiting, BEGAN + timedelta(seconds=40))


@pytest.mark.parametrize("subject", FORWARD)
def test_it_stood_at_the_last_word_that_was_said_in_time(subject: str) -> None:
    hop = reached(hops(way(subject)), BEGAN + timedelta(seconds=30))
    assert hop is not None
    assert hop.word.subject == subject
    assert hop.answered_at is None


def test_an_answer_after_the_decision_came_too_late() -> None:
    words = way(RESERVED)
    words[-1].at = BEGAN + timedelta(seconds=35)
    found = told(words)
    assert "it stood at product: reserve_stock" in found.where
    assert found.why == "why: product was away or too busy until 03:00:35.000"


def test_an_attempt_that_a_newer_one_overtook_is_answered_with_it() -> None:
    words = way(RESERVE)
    again, late = BEGAN + timedelta(seconds=20), BEGAN + timedelta(seconds=35)
    words.append(Word(f"{RESERVE}:{ID}:1", RESERVE, again, again, 90, again))
    assert "not heard for" in told(words).where
    words.append(Word(f"{RESERVE}:{ID}:1:r", RESERVED, late, late, 91, late))
    assert "was answered 15.0 s after" in told(words).where


def test_whoever_is_not_there_is_named() -> None:
    found = told(way(RESERVE), waiting=RUNNING | {"product": Waiting(0, 3, 0)})
    assert found.lines[0].startswith(f"purchase {ID}: TIMED_OUT (deadline) after 30.0 s")
    assert "not heard for 40.0 s" in found.lines[1]
    assert found.lines[2] == "why: no process of product asks for messages: it does not run; 3 wait unread"


def test_a_word_that_never_left_names_the_outbox() -> None:
    words = way(FORWARD[0])
    words[0].published_at = words[0].streamed_at = None
    found = told(words)
    assert found.where.endswith("is not on the stream")
    assert found.why.startswith("why: it has not left the outbox of purchase for 40.0 s")


def test_a_provider_that_does_not_answer_is_named() -> None:
    asked = {"status": "AUTHORIZING", "calls": 3, "next_call_at": BEGAN, "reason": None}
    found = told(way("cmd.payment.authorize_payment"), {"payment": [asked]})
    assert "the provider was asked 3 times and has not answered" in found.why


def test_a_dead_letter_is_named() -> None:
    letter = {"durable": "product", "message_id": name(RESERVE), "state": None, "deliveries": 4}
    found = told(way(RESERVE), {"dead letters": [letter]})
    assert found.why == "why: product cannot handle it: a dead letter after 4 deliveries (open)"


def test_one_that_is_in_hand_is_said_to_be() -> None:
    found = told(way(RESERVE), waiting={"product": Waiting(1, 2, 5)})
    assert found.why == "why: product runs; 5 messages are in hand and not handled, 2 wait unread"


def test_without_the_broker_nobody_knows_why() -> None:
    assert "the broker does not tell" in told(way(RESERVE), waiting={}).why


def test_a_pending_one_tells_its_deadline() -> None:
    pending = purchase(status="PENDING", decided_at=None, deadline_at=BEGAN + timedelta(seconds=60))
    found = told(way(RESERVE), **pending)
    assert "PENDING for 40.0 s; its deadline is in 20.0 s" in found.how
    assert found.where.startswith("it is at product")


def test_a_completed_one_tells_its_longest_hop() -> None:
    done = purchase(
        status="COMPLETED", reason=None, decided_at=BEGAN + 9 * STEP, settled_at=BEGAN + 12 * STEP
    )
    found = told(way("cmd.purchase.complete"), **done)
    assert found.how == f"purchase {ID}: COMPLETED after 90 ms, at 03:00:00.090; settled 30 ms later"
    assert found.where.startswith("it waited longest for ")
    assert len(found.lines) == 2


def test_a_waterfall_has_a_bar_for_every_hop() -> None:
    words = way("cmd.payment.authorize_payment")
    lines = list(show.waterfall(History(ID, {"purchase": [purchase()]}, [], words)))
    assert sum("purchase → orchestrator" in line for line in lines) == 1
    [reserve] = [line for line in lines if "reserve_stock" in line]
    assert show.WAITING in reserve
    [last] = [line for line in lines if "authorize_payment" in line]
    assert "not heard" in last
