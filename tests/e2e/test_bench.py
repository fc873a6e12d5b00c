"""`./just bench` on a small stack: what it measures is there, exact, and worth nothing when it is not."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from operator import mul
from pathlib import Path

import pytest

from deploy.audit.findings import CLOSED
from deploy.audit.look import audit
from deploy.audit.sources import Sources, over_http
from deploy.bench import history, past
from deploy.bench.database import COUNTER
from deploy.bench.runs import run
from deploy.bench.trial import Trial
from deploy.client import Shop
from deploy.embedded.errors import Misconfigured
from deploy.embedded.stack import Stack
from tests.servers import free_base

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(home=Path(tmp_path_factory.mktemp("stack")), port_base=free_base())
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("SHOP_POSTGRES_PRELOAD", COUNTER)
        made.start(tied=True)
    yield made
    made.stop()


def benched(stack: Stack, *words: str) -> "subprocess.CompletedProcess[str]":
    settings = {"SHOP_HOME": str(stack.home), "SHOP_PORT_BASE": str(stack.port_base)}
    asked = [sys.executable, "-m", "deploy.bench", "--purchases", "30", "--buyers", "5", *words]
    return subprocess.run(
        asked, env=os.environ | settings, capture_output=True, text=True, timeout=300, check=False
    )


def test_the_bench_says_what_a_purchase_costs_and_what_it_was_measured_on(
    stack: Stack, tmp_path: Path
) -> None:
    file = tmp_path / "figures.json"
    done = benched(stack, "--statements", "--rest", "2", "--json", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(file.read_text())
    assert told["wrong"] == []
    assert told["outcomes"] == {"completed": 30}
    for hop in told["hops_ms"].values():
        assert 0 < hop["p50"] <= hop["p99"]
    cost = told["per_purchase"]
    assert {"purchase", "postgres", "nats", "mail"} <= told["totals"]["cpu_ms"].keys()
    assert {"purchase", "postgres", "traefik", "redis", "supervisord"} <= told["pss_mib"].keys()
    assert cost["messages"]["evt.purchase.completed"] == 1.0
    assert 15 <= cost["messages"]["total"] <= 17
    for counted in ("commits", "blocks", "statements"):  # less what the stack does at rest it may be anything
        assert told["totals"][counted]["purchase"] > 0
        assert "purchase" in cost[counted]
    assert any("INSERT INTO inbox" in text for text in told["statements_by_text"])
    assert told["totals"]["wal_fsyncs"]["total"] > 0
    assert cost["wal"]["bytes"] > 10_000
    assert told["circumstances"]["machine"]["cores"] == os.cpu_count()


@pytest.mark.skipif(not shutil.which("py-spy"), reason="py-spy is not installed")
def test_every_python_process_has_its_flame_graph(stack: Stack, tmp_path: Path) -> None:
    done = benched(stack, "--rest", "0", "--flames", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    drawn = {file.stem: file.read_text() for file in tmp_path.glob("*.svg")}
    assert {"account", "purchase", "orchestrator", "mail"} <= drawn.keys()
    assert "purchase/" in drawn["purchase"]


async def test_a_figure_without_exactness_is_no_figure(stack: Stack) -> None:
    """A unit vanishes from a shelf that the load does not even touch."""
    async with Shop.at(stack.url("edge"), stack.url("mail_api")) as client:
        seller = await client.register()
        await seller.verify()
        category = await seller.call("POST", "/categories", expect=201, body={"name": "Leaky"})
        leaky = (await seller.create_product(category["id"], "Pot", price=1, inventory=5))["id"]
    leak = f"UPDATE stock SET available = available {{}} 1 WHERE product_id = '{leaky}'"
    stack.postgres.run(leak.format("-"), "product")
    try:
        done = await asyncio.to_thread(benched, stack, "--rest", "0")
    finally:
        stack.postgres.run(leak.format("+"), "product")
    assert done.returncode == 1, done.stderr
    assert any("has not what was received" in each for each in json.loads(done.stdout)["wrong"])


async def test_silent_streams_are_counted_and_cost_no_purchase(stack: Stack) -> None:
    trial = Trial(purchases=20, buyers=4, rate=10.0, streams=100, rest=0)
    figures = await run(stack, trial)
    assert figures["wrong"] == []
    assert figures["streams"]["count"] == 100
    assert figures["streams"]["lost"] == 0
    assert figures["streams"]["pss_kib_per_stream"].keys() >= {"purchase", "traefik"}


async def test_a_history_is_whole_and_there_once(stack: Stack) -> None:
    """Nothing is wrong with it, a day of its words included, and purchases go on behind it."""
    await history.run(stack, 400, days=9.0)
    books = Sources(stack.auditor_urls, over_http(stack.url("psp")))
    before = await audit(books, CLOSED)
    assert before.in_order == []
    assert sum(before.totals.purchases.values()) > 400
    assert before.totals.purchases["FAILED"] == 2 + 400 * 2 / past.SELDOM
    assert before.totals.words > 400 / 9
    figures = await run(stack, Trial(purchases=5, buyers=2, rate=5.0, rest=0, every=0.5))
    assert figures["wrong"] == []
    ends = [0.0, *(each["until_second"] for each in figures["course"])]
    seconds = [end - start for start, end in pairwise(ends)]
    rates = [each["purchases_per_second"] for each in figures["course"]]
    rounded = sum(0.05 * second + 0.1 * rate for rate, second in zip(rates, seconds, strict=True))
    assert sum(map(mul, rates, seconds)) == pytest.approx(5, abs=rounded)  # to tenths, beginning and end
    assert figures["course"][-1]["database_mib"]["purchase"] > 0
    with pytest.raises(Misconfigured, match="other days"):
        await history.run(stack, 1, days=9.0)


async def test_one_at_a_time_is_a_purchase_after_the_other(stack: Stack) -> None:
    figures = await run(stack, Trial(purchases=5, idle=True, rest=0))
    assert figures["wrong"] == []
    assert figures["outcomes"] == {"completed": 5}
