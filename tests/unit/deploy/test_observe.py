"""Alerts, dashboards and `top`: what they ask for is there, and what is there is told."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from deploy.embedded import executables, observing, services
from deploy.embedded.layout import Layout
from deploy.observe import dashboards, prometheus, top
from deploy.observe.scrape import Page, quantile, read

ROOT = Path(__file__).parents[3]
MANUAL = (ROOT / "docs/operations.md").read_text()
RULES: list[dict[str, Any]] = yaml.safe_load(prometheus.RULES.read_text())["groups"][0]["rules"]
METRIC = re.compile(r"\b((?:shop|http|db|process|audit)_[a-z0-9_]+)\b(?!\s*=)")


def asked() -> set[str]:
    """The metrics that rules and dashboards ask for, without what a histogram or counter adds."""
    texts = [rule["expr"] for rule in RULES]
    texts += [
        target["expr"]
        for name in dashboards.DASHBOARDS
        for panel in dashboards.dashboard(name)["panels"]
        for target in panel["targets"]
    ]
    named = {name for text in texts for name in METRIC.findall(text)} - {"http_route"}
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in named}


def test_every_alert_has_its_paragraph_and_every_paragraph_an_alert() -> None:
    section = MANUAL.partition("\n## Alerts\n")[2].partition("\n## ")[0]
    paragraphs = dict(re.findall(r"^### (\w+)\n\n(.+?)(?=\n### |\Z)", section, re.MULTILINE | re.DOTALL))
    assert list(paragraphs) == [rule["alert"] for rule in RULES]
    for rule in RULES:
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert len(paragraphs[rule["alert"]]) > 100


def test_every_metric_that_is_asked_for_is_in_the_manual() -> None:
    told = MANUAL.partition("\n## Looking at it\n")[2]
    short = {"shop_messages_redelivered_total", "shop_messages_failed_total", "shop_messages_parked_total"}
    short |= {"shop_messages_unpublished_total", "shop_consumer_waiting", "shop_consumer_pending"}
    missing = {name for name in asked() - short if f"`{name}`" not in told and not name.startswith("audit_")}
    assert missing == set()
    assert len(asked()) > 25


def test_the_dashboards_files_are_fresh() -> None:
    for path, text in dashboards.files():
        assert path.read_text() == text, "python -m deploy.observe.dashboards writes them"


def test_prometheus_is_told_of_every_replica_of_every_service() -> None:
    told: Any = prometheus.configuration({"order": ["a:1", "a:2"], "mail": ["a:3"]})
    jobs = {each["job_name"]: each["static_configs"][0]["targets"] for each in told["scrape_configs"]}
    assert jobs == {"order": ["a:1", "a:2"], "mail": ["a:3"]}


def test_without_prometheus_and_viewer_observing_says_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("SHOP_PROMETHEUS_PATH", "SHOP_OTLP_VIEWER_PATH", "SHOP_NODE_PATH"):
        monkeypatch.delenv(name, raising=False)
    layout = Layout(tmp_path, 8000)
    assert observing.programs(layout, {}) == []
    assert observing.environment(layout) == {}
    line = observing.missing()
    assert "Prometheus" in line
    assert "viewer" in line
    assert "\n" not in line


def test_with_both_they_run_beside_the_services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "program"
    program.touch()
    for name in ("SHOP_PROMETHEUS_PATH", "SHOP_OTLP_VIEWER_PATH", "SHOP_NODE_PATH"):
        monkeypatch.setenv(name, str(program))
    assert executables.prometheus() == program
    layout = Layout(tmp_path, 8000)
    ports = services.ports(layout, {"order": 2})
    names = {each.name: each.port for each in observing.programs(layout, ports)}
    assert names == {"prometheus": 8075, "otlp": 8076}
    assert observing.missing() == ""
    assert observing.environment(layout)["OTLP_ENDPOINT"] == "http://127.0.0.1:8076"
    written = (tmp_path / "settings" / "prometheus.yaml").read_text()
    assert str(layout.service_port("order", 2)) in written
    assert str(layout.port("audit")) in written


BEFORE = """
# TYPE shop_purchases_accepted_total counter
shop_purchases_accepted_total 10
# TYPE shop_message_dwell_seconds histogram
shop_message_dwell_seconds_bucket{stage="handler",consumer="purchase",subject="a",le="0.1"} 100
shop_message_dwell_seconds_bucket{stage="handler",consumer="purchase",subject="a",le="+Inf"} 100
shop_message_dwell_seconds_count{stage="handler",consumer="purchase",subject="a"} 100
"""
AFTER = """
# TYPE target_info gauge
target_info{service_name="purchase"} 1
# TYPE shop_purchases_accepted_total counter
shop_purchases_accepted_total 30
# TYPE shop_message_dwell_seconds histogram
shop_message_dwell_seconds_bucket{stage="handler",consumer="purchase",subject="a",le="0.1"} 101
shop_message_dwell_seconds_bucket{stage="handler",consumer="purchase",subject="a",le="+Inf"} 110
shop_message_dwell_seconds_count{stage="handler",consumer="purchase",subject="a"} 110
# TYPE shop_outbox_unsent gauge
shop_outbox_unsent 4
# TYPE shop_outbox_oldest_seconds gauge
shop_outbox_oldest_seconds 9
# TYPE shop_open_dead_letters gauge
shop_open_dead_letters{durable="purchase"} 2
"""


def test_top_shows_what_was_added_and_how_things_stand() -> None:
    before, after = read(BEFORE), read(AFTER)
    seen = top.view({"purchase": before}, {"purchase": after, "purchase-2": after, "mail": Page()}, 2.0)
    assert seen.shop.accepted == 10.0 + 15.0  # the second has just begun
    assert (seen.shop.unsent, seen.shop.oldest_unsent, seen.shop.dead_letters) == (4.0, 9.0, 2.0)
    first, _, silent = seen.processes
    assert first.handler_ms == float("inf")
    assert first.queue_ms is None
    assert not silent.answers
    text = "\n".join(top.lines(seen))
    assert ">60000" in text
    assert "does not answer" in text


def test_a_process_that_began_anew_has_counted_from_nothing() -> None:
    again = read("shop_purchases_accepted_total 3\n").less(read("shop_purchases_accepted_total 10\n"))
    assert again.sum("shop_purchases_accepted_total") == 3


def test_a_quantile_is_a_bound_over_all_histograms() -> None:
    inf = float("inf")
    assert quantile(0.5, [{0.1: 1, 1.0: 4, inf: 4}, {0.1: 0, 1.0: 1, inf: 4}]) == 1.0
    assert quantile(0.95, [{0.1: 1, inf: 1}]) == 0.1
    assert quantile(0.95, [{0.1: 0, inf: 0}]) is None
