"""The pure parts of the load generator."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from common.contracts.order import OrderCreated
from deploy.audit.sources import listed
from deploy.bench import costs, database, flames, hops, meter, processes, trial
from deploy.bench.__main__ import first
from deploy.bench.buyers import Measured
from deploy.bench.costs import Costs, Sample
from deploy.bench.exactness import missing_mails, missing_money, taken
from deploy.bench.figures import latencies, memory, quantiles
from deploy.bench.load import baskets
from deploy.bench.processes import Peaks
from deploy.client import Unexpected
from deploy.embedded.errors import Missing
from deploy.psp.book import Capture, Entry

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def test_quantiles_are_in_milliseconds() -> None:
    assert quantiles([0.001 * each for each in range(101)]) == {"p50": 50.0, "p95": 95.0, "p99": 99.0}
    assert quantiles([0.25]) == {"p50": 250.0, "p95": 250.0, "p99": 250.0}
    assert quantiles([]) == {}


def test_a_purchase_counts_from_when_it_was_due_to_its_decision() -> None:
    measured = Measured(posted={"a": 1.0, "b": 2.0}, accepted=[0.1, 0.1], told=[0.02, 0.02])
    measured.decided = {"a": ("completed", 1.5), "b": ("failed", 2.5)}
    told = latencies(measured, 4.0)
    assert told["purchases_per_second"] == 0.5
    assert told["outcomes"] == {"completed": 1, "failed": 1}
    assert told["accept_to_decided_ms"]["p99"] == 500.0
    assert told["post_ms"]["p50"] == 100.0
    assert latencies(Measured(), 0.0)["purchases"] == 0


def test_what_an_idle_stack_does_is_no_cost_of_the_load() -> None:
    rested = {"commits": Sample(0.0, {"order": 100.0})}
    before = {"commits": Sample(5.0, {"order": 110.0})}
    after = {"commits": Sample(15.0, {"order": 430.0, "mail": 50.0})}
    known = costs.costs(rested, before, after)
    assert known["commits"] == Costs(10.0, {"order": 320.0, "mail": 50.0}, {"order": 2.0})
    assert costs.per_purchase(known, 100) == {"commits": {"total": 3.5, "order": 3.0, "mail": 0.5}}
    assert costs.per_second_of_rest(known) == {"commits": {"total": 2.0, "order": 2.0}}


def test_without_a_rest_everything_is_the_loads() -> None:
    same = {"cpu_ms": Sample(5.0, {"order": 110.0})}
    known = costs.costs(same, same, {"cpu_ms": Sample(6.0, {"order": 210.0})})
    assert costs.per_purchase(known, 10)["cpu_ms"] == {"total": 10.0, "order": 10.0}


def test_what_rounds_to_nothing_is_counted_and_not_listed() -> None:
    assert costs.ranked("commits", {"much": 9.0, "little": 0.0001}, 1) == {"total": 9.0, "much": 9.0}
    assert costs.ranked("broker", {"in_msgs": 9.0}, 3) == {"in_msgs": 3.0}


def test_texts_of_statements_stand_apart_and_the_most_frequent_first() -> None:
    texts = Costs(1.0, {f"order: {number}": float(number) for number in range(1, 100)}, {})
    known = {database.TEXTS_KIND: texts, "cpu_ms": Costs(1.0, {"order": 5.0}, {})}
    told = meter.as_json(known, 1, Peaks())
    assert next(iter(told[database.TEXTS_KIND].items())) == ("order: 99", 99.0)
    assert len(told[database.TEXTS_KIND]) == meter.SHOWN_TEXTS
    assert database.TEXTS_KIND not in told["per_purchase"] | told["totals"] | told["idle_per_second"]
    assert told["totals"]["cpu_ms"] == {"seconds": 1.0, "total": 5.0, "order": 5.0}


def test_children_count_with_whoever_is_named_above_them() -> None:
    parents = {1: 0, 10: 1, 20: 10, 21: 20, 22: 21, 30: 10, 99: 1}
    found = processes.families(parents, {10: "supervisord", 20: "postgres", 30: "order"})
    assert found == {"supervisord": [10], "postgres": [20, 21, 22], "order": [30]}


def test_a_process_that_has_ended_has_used_nothing() -> None:
    assert processes.spent(2**22) == 0.0
    assert processes.proportional(2**22) == 0


def test_memory_is_the_most_at_one_moment() -> None:
    peaks = Peaks()
    peaks.note({"order": 3 * 1024**2, "mail": 1024**2})
    peaks.note({"order": 1024**2, "mail": 2 * 1024**2})
    assert memory(peaks) == {"total": 4.0, "order": 3.0, "mail": 2.0}


def test_hops_are_joined_by_purchase_and_those_of_others_left_out() -> None:
    rows = [
        (purchase, stop, BEGAN + number * timedelta(milliseconds=10))
        for purchase in ("mine", "another's")
        for number, stop in enumerate(hops.NAMES)
    ]
    told = hops.figures(hops.joined(rows), {"mine"})
    assert list(told) == [
        "requested_to_reserved",
        "reserved_to_ordered",
        "ordered_to_authorized",
        "authorized_to_completed",
        "completed_to_settled",
    ]
    assert {each["p50"] for each in told.values()} == {10.0}


def test_a_purchase_that_failed_has_the_hops_that_it_made() -> None:
    rows = [("a", "requested", BEGAN), ("a", "reserved", BEGAN + timedelta(seconds=1))]
    told = hops.figures(hops.joined(rows), {"a"})
    assert told["requested_to_reserved"]["p50"] == 1000.0
    assert told["reserved_to_ordered"] == {}


def test_a_stop_knows_its_word() -> None:
    assert [stop.name for stop in hops.STOPS if stop.word is OrderCreated] == ["ordered"]


async def test_who_completed_has_paid_and_nobody_else() -> None:
    ends = {"paid": "completed", "owes": "completed", "failed": "failed"}
    ledger = listed([captured("paid", 20_000), captured("failed", 5), captured("stranger", 7)])
    assert missing_money(await taken(ledger, ends), ends) == [
        "0 was taken for owes",
        "5 was taken for failed",
    ]


def captured(purchase: str, amount: int) -> Entry:
    asked = Capture(authorization=purchase)
    return Entry(
        seq=1, at=BEGAN, key="-", authorization=purchase, amount=amount, status="captured", request=asked
    )


def test_one_notice_of_each_purchase_is_due() -> None:
    ends = {"a": "completed", "b": "timed_out", "c": "completed"}
    sent = Counter({("a", "receipt"): 2, ("b", "failure"): 1})
    assert missing_mails(sent, ends) == [
        "2 mails of kind receipt went out about a, 1 are due",
        "0 mails of kind receipt went out about c, 1 are due",
    ]


def test_everybody_wants_the_same_when_it_is_hot_and_the_same_again_when_it_is_not() -> None:
    products = [str(number) for number in range(100)]
    assert baskets(products, 3, hot=True) == [["0", "1"]] * 3
    drawn = baskets(products, 50)
    assert drawn == baskets(products, 50)
    assert {len(set(basket)) for basket in drawn} == {2}


@pytest.mark.parametrize(
    ("words", "purchases", "rate", "crowd"),
    [
        ("", 1000, None, 50),
        ("--purchases 30 --buyers 5", 30, None, 5),
        ("--rate 50 --seconds 4", 200, 50.0, 50),
        ("--rate 10 --purchases 7", 7, 10.0, 50),
        ("--idle", 200, None, 1),
        ("--streams 500", 200, 10.0, 50),
        ("--streams 500 --rate 5 --seconds 2", 10, 5.0, 50),
    ],
)
def test_the_modes(words: str, purchases: int, rate: float | None, crowd: int) -> None:
    asked, file = trial.asked(words.split())
    assert (asked.purchases, asked.rate, asked.crowd, file) == (purchases, rate, crowd, None)


@pytest.mark.parametrize("words", ["--idle --rate 5", "--seconds 5"])
def test_modes_that_contradict_each_other_are_refused(words: str) -> None:
    with pytest.raises(SystemExit):
        trial.asked(words.split())


async def test_without_py_spy_there_are_no_flame_graphs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(Missing, match="pip install py-spy"):
        async with flames.recorded(tmp_path / "flames", {}):
            pass
    assert not (tmp_path / "flames").exists()


def test_of_many_failures_at_once_the_first_is_told() -> None:
    reason = Unexpected("no")
    assert first(ExceptionGroup("a", [ExceptionGroup("b", [reason]), ValueError()])) is reason
