"""The rules in the real Prometheus: each alert by numbers, and one by a fault of a real service."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from common.main import Program, Role
from deploy.embedded import executables
from deploy.observe import prometheus
from order.__main__ import program
from order.settings import OrderSettings
from tests.integration.letters.hands import put
from tests.integration.order.conftest import order_settings, world
from tests.integration.order.wire import Wire
from tests.support import eventually, free_port, running

__all__ = ["order_settings", "world"]

FOUND = executables.prometheus()
TOOL = str(FOUND.with_name("promtool")) if FOUND and FOUND.with_name("promtool").exists() else None
TOOL = TOOL or shutil.which("promtool")
WHY = "Prometheus is not installed: Debian's package has it, SHOP_PROMETHEUS_PATH names another"

DECIDED = 'shop_purchase_duration_seconds_count{until="decided",outcome="timed_out"}'
ERRORS = 'http_server_request_duration_seconds_count{job="order",http_response_status_class="5xx"}'
FINE = 'http_server_request_duration_seconds_count{job="order",http_response_status_class="2xx"}'

RAISED: dict[str, dict[str, str]] = {
    "OutboxStuck": {'shop_outbox_oldest_seconds{job="order"}': "0x10 31x200"},
    "ConsumerStuck": {'shop_consumer_oldest_seconds{job="order",consumer="order"}': "31x200"},
    "DeadLetters": {'shop_open_dead_letters{job="order",durable="order"}': "0x10 1x200"},
    "BooksDisagree": {'audit_violations{invariant="I2"}': "1x200"},
    "AuditStale": {"audit_last_run_timestamp_seconds": "1x200"},
    "StreamFilling": {
        'shop_stream_bytes{job="order",instance="a"}': "61x200",
        'shop_stream_max_bytes{job="order",instance="a"}': "100x200",
    },
    "PoolExhausted": {'db_client_connections_pending_requests{job="order",instance="a"}': "1x200"},
    "TargetDown": {'up{job="order",instance="a"}': "1x10 0x200"},
    "DependencyAway": {'shop_database_up{job="order",instance="a"}': "0x200"},
    "PurchasesTimeOut": {DECIDED: "0x60 1x200"},
    "PurchasesStuck": {"shop_purchases_stuck_total": "0x60 1x200"},
    "ServerErrors": {ERRORS: "0+1x200", FINE: "0+20x200"},
    "RightMissing": {'shop_broker_refusals_total{job="order"}': "0x60 1x200"},
}
"""Alert -> numbers that raise it, one in five seconds."""
CALM: dict[str, dict[str, str]] = {
    "OutboxStuck": {'shop_outbox_oldest_seconds{job="order"}': "29x200"},
    "ConsumerStuck": {'shop_consumer_oldest_seconds{job="order",consumer="order"}': "29x200"},
    "DeadLetters": {'shop_open_dead_letters{job="order",durable="order"}': "0x200"},
    "BooksDisagree": {'audit_violations{invariant="I2"}': "0x200"},
    "AuditStale": {"audit_last_run_timestamp_seconds": "0+5x200"},
    "StreamFilling": {
        'shop_stream_bytes{job="order",instance="a"}': "59x200",
        'shop_stream_max_bytes{job="order",instance="a"}': "100x200",
    },
    "PoolExhausted": {'db_client_connections_pending_requests{job="order",instance="a"}': "1x92 0 1x50"},
    "TargetDown": {'up{job="audit",instance="a"}': "0x200"},
    "DependencyAway": {'shop_database_up{job="order",instance="a"}': "1x200"},
    "PurchasesTimeOut": {DECIDED: "5x200"},
    "PurchasesStuck": {"shop_purchases_stuck_total": "5x200"},
    "ServerErrors": {ERRORS: "0+1x200", FINE: "0+99x200"},
    "RightMissing": {'shop_broker_refusals_total{job="order"}': "5x200"},
}
"""Alert -> numbers that come near it, and leave it alone."""


def case(alert: str, numbers: dict[str, str], *, fires: bool) -> dict[str, Any]:
    """Counted, so that labels and texts are no matter of this test."""
    count = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)'
    return {
        "interval": "5s",
        "input_series": [{"series": series, "values": values} for series, values in numbers.items()],
        "promql_expr_test": [
            {"expr": count, "eval_time": "8m", "exp_samples": [{"labels": "{}", "value": int(fires)}]}
        ],
    }


@pytest.mark.skipif(TOOL is None, reason=WHY)
def test_every_alert_is_raised_by_its_numbers_and_by_no_others(tmp_path: Path) -> None:
    tests = [case(alert, numbers, fires=True) for alert, numbers in RAISED.items()]
    tests += [case(alert, numbers, fires=False) for alert, numbers in CALM.items()]
    file = tmp_path / "tests.yaml"
    file.write_text(
        json.dumps({"rule_files": [str(prometheus.RULES)], "evaluation_interval": "5s", "tests": tests})
    )
    done = subprocess.run(
        [str(TOOL), "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    known = {line.split()[2] for line in prometheus.RULES.read_text().splitlines() if "- alert:" in line}
    assert known == RAISED.keys() == CALM.keys()


@asynccontextmanager
async def impatient(settings: OrderSettings, role: Role) -> AsyncIterator[Program]:
    """Its consumer tries again at once, so that a message is soon given up."""
    async with program(settings, role) as opened:
        for consumer in opened.consumers:
            consumer.retry_seconds = 0.01
        yield opened


@asynccontextmanager
async def prometheus_of(folder: Path, target: str) -> AsyncIterator[str]:
    """Looking every 0.5 s, and for as long; yields its address."""
    port = free_port()
    file = folder / "prometheus.yaml"
    file.write_text(json.dumps(prometheus.configuration({"order": [target]}, interval="500ms")))
    process = await asyncio.create_subprocess_exec(
        str(FOUND),
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.skipif(FOUND is None, reason=WHY)
async def test_a_message_that_nobody_can_read_raises_an_alert(
    world: Wire, order_settings: OrderSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shown by a process that only works, too."""
    monkeypatch.setattr("common.messaging.depths.KEPT_SECONDS", 0.5)
    async with (
        running(order_settings, impatient, Role.WORKER) as url,
        prometheus_of(tmp_path, url.removeprefix("http://")) as address,
        aiohttp.ClientSession() as session,
    ):

        async def told(what: str) -> Any:
            try:
                async with session.get(f"{address}/api/v1/{what}") as answer:
                    return (await answer.json())["data"] if answer.status == HTTPStatus.OK else None
            except aiohttp.ClientConnectorError:
                return None  # not yet

        async def looked() -> bool:
            found = await told("query?query=shop_open_dead_letters")
            return bool(found and found["result"])

        async def firing() -> list[dict[str, Any]]:
            alerts = (await told("alerts"))["alerts"]
            return [each["labels"] for each in alerts if each["state"] == "firing"]

        await eventually(looked, seconds=90)
        assert await firing() == []
        await put(world.client, "cmd.order.create_order", b"no word", **{"Nats-Msg-Id": "bad:1"})
        [alert] = await eventually(firing, seconds=90, every=0.1)
        assert (alert["alertname"], alert["durable"], alert["job"]) == ("DeadLetters", "order", "order")
