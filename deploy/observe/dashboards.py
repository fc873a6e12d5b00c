"""`python -m deploy.observe.dashboards`: writes Grafana's files. A dashboard is a list of questions."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).with_name("grafana")
ROWS = "1m"
WIDTH, HEIGHT = 12, 8


class Panel(NamedTuple):
    """One graph: what is asked, and what a line is called."""

    title: str
    asked: str
    legend: str
    unit: str = "short"
    also: tuple[tuple[str, str], ...] = ()
    """Other questions with their legends."""


def rate(metric: str, by: str = "") -> str:
    summed = f"sum by ({by})" if by else "sum"
    return f"{summed} (rate({metric}[{ROWS}]))"


def quantile(share: float, metric: str, by: str = "", where: str = "") -> str:
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({metric}_bucket{{{where}}}[{ROWS}])))"


def quantiles(metric: str, where: str = "") -> tuple[tuple[str, str], ...]:
    return tuple((quantile(share, metric, where=where), f"p{share * 100:g}") for share in (0.95, 0.99))


DURATION, DWELL = "shop_purchase_duration_seconds", "shop_message_dwell_seconds"
HTTP = "http_server_request_duration_seconds"
DECIDED = 'until="decided"'

DASHBOARDS: dict[str, tuple[str, Sequence[Panel]]] = {
    "purchases": (
        "Purchases",
        (
            Panel(
                "Accepted and decided per second",
                rate("shop_purchases_accepted_total"),
                "accepted",
                also=((rate(f"{DURATION}_count{{{DECIDED}}}", "outcome"), "{{outcome}}"),),
            ),
            Panel(
                "From acceptance to the decision",
                quantile(0.5, DURATION, where=DECIDED),
                "p50",
                "s",
                quantiles(DURATION, DECIDED),
            ),
            Panel(
                "From acceptance to the last confirmation",
                quantile(0.5, DURATION, where='until="settled"'),
                "p50",
                "s",
                quantiles(DURATION, 'until="settled"'),
            ),
            Panel("Undone, by reason", rate("shop_purchases_undone_total", "reason"), "{{reason}}"),
            Panel(
                "Driven again",
                rate("shop_purchases_driven_again_total"),
                "driven again",
                also=((rate("shop_purchases_stuck_total"), "stuck"),),
            ),
            Panel(
                "Decided and not settled, as the audit saw it",
                "audit_unsettled",
                "unsettled",
                also=(("sum(audit_violations)", "violations"),),
            ),
        ),
    ),
    "messaging": (
        "Messaging",
        (
            Panel("Received per second", rate("shop_messages_received_total", "consumer"), "{{consumer}}"),
            Panel(
                "Where messages dwell, p95",
                quantile(0.95, DWELL, "stage"),
                "{{stage}}",
                "s",
            ),
            Panel(
                "Handlers, p95",
                quantile(0.95, DWELL, "consumer", 'stage="handler"'),
                "{{consumer}}",
                "s",
            ),
            Panel(
                "Outboxes, p95 until the stream has it",
                quantile(0.95, DWELL, "job", 'stage="outbox"'),
                "{{job}}",
                "s",
            ),
            Panel(
                "Failed, come again, parked",
                rate("shop_messages_failed_total", "consumer"),
                "{{consumer}} failed",
                also=(
                    (rate("shop_messages_redelivered_total", "consumer"), "{{consumer}} again"),
                    (rate("shop_messages_parked_total", "consumer"), "{{consumer}} parked"),
                    (rate("shop_messages_unpublished_total", "job"), "{{job}} not confirmed"),
                ),
            ),
            Panel("Age of the oldest unsent", "max by (job) (shop_outbox_oldest_seconds)", "{{job}}", "s"),
            Panel(
                "Age of the oldest in hand",
                "max by (consumer) (shop_consumer_oldest_seconds)",
                "{{consumer}}",
                "s",
            ),
            Panel(
                "Waiting",
                "max by (consumer) (shop_consumer_pending)",
                "{{consumer}} in the stream",
                also=(
                    ("sum by (consumer) (shop_consumer_waiting)", "{{consumer}} fetched"),
                    ("max by (job) (shop_outbox_unsent)", "{{job}} unsent"),
                ),
            ),
            Panel("Dead letters", "max by (durable) (shop_open_dead_letters)", "{{durable}}"),
            Panel(
                "The stream",
                "max(shop_stream_bytes / (shop_stream_max_bytes > 0))",
                "full",
                "percentunit",
            ),
        ),
    ),
    "services": (
        "Services",
        (
            Panel("Requests per second", rate(f"{HTTP}_count", "job"), "{{job}}"),
            Panel("Requests, p95", quantile(0.95, HTTP, "job, http_route"), "{{job}} {{http_route}}", "s"),
            Panel(
                "Answers that are errors",
                rate(f'{HTTP}_count{{http_response_status_class="5xx"}}', "job, http_route"),
                "{{job}} {{http_route}}",
            ),
            Panel("In flight", "sum by (job) (http_server_active_requests)", "{{job}}"),
            Panel(
                "Bytes of answers per second",
                rate("http_server_response_body_size_bytes_sum", "job"),
                "{{job}}",
                "Bps",
            ),
            Panel(
                "Connections to the database",
                'sum by (job) (db_client_connections{state="used"})',
                "{{job}} used",
                also=(("sum by (job) (db_client_connections_pending_requests)", "{{job}} waits"),),
            ),
            Panel("Processor", rate("process_cpu_seconds_total", "job, instance"), "{{job}} {{instance}}"),
            Panel("Memory", "process_resident_memory_bytes", "{{job}} {{instance}}", "bytes"),
            Panel("Open files", "process_open_fds", "{{job}} {{instance}}"),
            Panel(
                "How late timers are, p99",
                quantile(0.99, "shop_event_loop_delay_seconds", "job, instance"),
                "{{job}} {{instance}}",
                "s",
            ),
            Panel(
                "Reads that needed no database",
                "sum by (job, kind) (rate(shop_cache_hits_total[1m])) / (sum by (job, kind) "
                "(rate(shop_cache_hits_total[1m])) + sum by (job, kind) (rate(shop_cache_loads_total[1m])))",
                "{{job}} {{kind}}",
                "percentunit",
            ),
        ),
    ),
    "streams": (
        "Event streams",
        (
            Panel("Open", "sum by (of, instance) (shop_sse_streams)", "{{of}} {{instance}}"),
            Panel("Events sent per second", rate("shop_sse_events_sent_total", "instance"), "{{instance}}"),
            Panel(
                "Memory of the process",
                'process_resident_memory_bytes{job="purchase"}',
                "{{instance}}",
                "bytes",
            ),
            Panel(
                "How late timers are, p99",
                quantile(0.99, "shop_event_loop_delay_seconds", "instance", 'job="purchase"'),
                "{{instance}}",
                "s",
            ),
        ),
    ),
}


def dashboard(name: str) -> dict[str, Any]:
    title, panels = DASHBOARDS[name]
    return {
        "uid": f"shop-{name}",
        "title": title,
        "tags": ["shop"],
        "schemaVersion": 39,
        "timezone": "browser",
        "refresh": "5s",
        "time": {"from": "now-15m", "to": "now"},
        "links": [{"type": "dashboards", "tags": ["shop"], "title": "Shop", "asDropdown": True}],
        "panels": [_panel(number, each) for number, each in enumerate(panels)],
    }


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "prometheus"}
    questions = ((panel.asked, panel.legend), *panel.also)
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "datasource": source,
        "gridPos": {"x": number % 2 * WIDTH, "y": number // 2 * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": source, "expr": asked, "legendFormat": legend}
            for place, (asked, legend) in enumerate(questions)
        ],
    }


def files() -> Iterator[tuple[Path, str]]:
    for name in DASHBOARDS:
        yield FOLDER / f"{name}.json", json.dumps(dashboard(name), indent=1) + "\n"


if __name__ == "__main__":
    for path, text in files():
        path.write_text(text)
