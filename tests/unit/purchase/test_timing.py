"""Where the time of a purchase went, from what its events kept; and what is counted of it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest

from common.contracts.purchase import FailPurchase
from common.ids import made_at, new_id
from purchase import model, views
from purchase.event_log import paths_of
from purchase.measures import PurchaseMeasures
from purchase.model import Outcome, Row, Status

AT = datetime(2026, 1, 1, tzinfo=UTC)
MICROS = int(AT.timestamp()) * 1_000_000


def way(*hops: tuple[str, str, int]) -> str:
    return ";".join(f"{word},{who},{MICROS + said},1000,2000,3000" for word, who, said in hops)


def test_ways_that_overlap_show_every_hop_once_and_each_ends_where_the_next_begins() -> None:
    first = way(("evt.a", "orchestrator", 0), ("cmd.b", "order", 10_000))
    second = way(("cmd.b", "order", 10_000), ("evt.c", "purchase", 30_000))
    events: Any = [
        {"path": None, "at": AT},
        {"path": f"{first}\n{second}", "at": AT + timedelta(milliseconds=50)},
    ]
    shown = views.timing(events)
    assert [(each.subject, each.consumer, each.handler_ms) for each in shown] == [
        ("evt.a", "orchestrator", 4.0),
        ("cmd.b", "order", 14.0),
        ("evt.c", "purchase", 14.0),
    ]
    assert {(each.outbox_ms, each.stream_ms, each.queue_ms) for each in shown} == {(1.0, 2.0, 3.0)}


def test_what_is_no_way_shows_nothing() -> None:
    events: Any = [{"path": "nonsense;cmd.x,y,z,1,2,3", "at": AT}]
    assert views.timing(events) == []


def test_a_hop_whose_end_another_clock_told_took_no_negative_time() -> None:
    events: Any = [{"path": way(("evt.a", "order", 0)), "at": AT - timedelta(seconds=1)}]
    [hop] = views.timing(events)
    assert hop.handler_ms == 0.0


def row(**changed: Any) -> Row:
    known: dict[str, Any] = {
        "id": new_id(),
        "account_id": new_id(),
        "status": Status.PENDING,
        "reason": None,
        "rank": 0,
        "attempt": 0,
        "issued_on": date(2026, 1, 1),
        "deadline_at": AT,
        "acknowledged": 0,
        "items": (),
        "total": 0,
        "currency_code": "VND",
        "method": "cash",
        "installments": 1,
        "payment_token": None,
        "traceparent": None,
        "last_seq": 1,
    }
    return Row(**known | changed)


def counted(*outcomes: Outcome) -> str:
    measures = PurchaseMeasures()
    measures.note(outcomes)
    registry = CollectorRegistry()
    registry.register(measures)
    return generate_latest(registry).decode()


def test_an_end_is_counted_by_outcome_and_a_reason_that_nobody_knows_is_no_label() -> None:
    pending = row()
    words = [
        FailPurchase(purchase=pending.context(), step="order", reason=reason)
        for reason in ("insufficient_stock", f"for {pending.id}")
    ]
    text = counted(*(model.fail(pending, word) for word in words), model.time_out(pending), Outcome(pending))
    assert 'shop_purchases_undone_total{reason="insufficient_stock"} 1.0' in text
    assert 'shop_purchases_undone_total{reason="other"} 1.0' in text
    assert 'duration_seconds_count{outcome="failed",until="decided"} 2.0' in text
    assert 'duration_seconds_count{outcome="timed_out",until="decided"} 1.0' in text
    assert 'until="settled"' not in text
    assert str(pending.id) not in text


def test_a_purchase_is_settled_once_all_have_confirmed() -> None:
    done = row(status=Status.COMPLETED, acknowledged=model.SETTLED_DONE)
    text = counted(Outcome(done))
    assert 'duration_seconds_count{outcome="completed",until="settled"} 1.0' in text
    assert 'until="decided"' not in text


def test_an_id_tells_when_it_was_made() -> None:
    before = datetime.now(UTC).timestamp()
    assert before - 0.001 <= made_at(new_id()) <= datetime.now(UTC).timestamp()


def test_the_ways_of_a_batch_stand_at_the_first_of_its_events() -> None:
    two = Outcome(row(), (model.ACCEPTED, model.ACCEPTED), path="way")
    assert paths_of([two, Outcome(row(), (), path="lost"), Outcome(row(), (model.ACCEPTED,))]) == [
        "way",
        None,
        None,
    ]
