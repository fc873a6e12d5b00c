"""What a user would see: the real stack, two processes of every service, behind the real edge."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from common import __version__
from common.contracts.product import ProductCheck, Wish
from common.ids import new_id
from common.messaging.broker import broker
from common.messaging.requests import Requests
from deploy.bench.buyers import Measured
from deploy.bench.exactness import closed, wrong
from deploy.bench.load import prepare
from deploy.bench.runs import run
from deploy.bench.trial import Trial
from deploy.client import Shop
from deploy.embedded import census, nats
from deploy.embedded.errors import NotRunning
from deploy.embedded.layout import SERVICES
from deploy.embedded.services import present
from deploy.embedded.stack import Stack
from deploy.privileges.nats import OPERATOR
from deploy.trace import __main__ as trace
from tests.e2e import canaries, readme, traces
from tests.e2e.surviving import killed_and_back, patient_load
from tests.otlp import Caller, Collector
from tests.servers import free_base
from tests.support import eventually

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Stack]:
    """Reports its errors, and records the traces that somebody asks for and no others."""
    watched = {
        "OTLP_ENDPOINT": collector.endpoint,
        "TRACE_RATIO": "0",
        "ERROR_DSN": collector.dsn,
    }
    patient = {"ACCESS_SECONDS": "7200", "DEADLINE": "300", "BACKLOG_LIMIT": "2000"}
    made = Stack(
        home=Path(tmp_path_factory.mktemp("stack")),
        port_base=free_base(),
        replicas=dict.fromkeys(present(), 2),
        environment={"CODES_PER_HOUR": "1000"} | watched | patient,
    )
    made.start(tied=True)
    yield made
    made.stop()


@asynccontextmanager
async def shop(stack: Stack, headers: Mapping[str, str] | None = None) -> AsyncIterator[Shop]:
    at = Shop.at(stack.url("edge"), stack.url("mail_api"), connections=200, headers=headers)
    async with at as client:
        yield client


def test_the_demo_tells_its_whole_story(stack: Stack) -> None:
    settings = {"SHOP_HOME": str(stack.home), "SHOP_PORT_BASE": str(stack.port_base)}
    done = subprocess.run(
        [sys.executable, "-m", "deploy.demo"],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for word in ("completed", "refused", "release", "cancel", "void", "settled", "CAPTURED", "CANCELED"):
        assert word in done.stdout


def test_the_audit_of_the_stack_finds_that_the_books_agree(stack: Stack) -> None:
    settings = {"SHOP_HOME": str(stack.home), "SHOP_PORT_BASE": str(stack.port_base)}
    asked = [sys.executable, "-m", "deploy.audit", "--json"]
    done = subprocess.run(asked, env=os.environ | settings, capture_output=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    known = json.loads(done.stdout)
    assert known["clean"]
    assert known["totals"]["purchases"]["COMPLETED"] >= 1


async def test_top_sees_every_process_at_work(stack: Stack) -> None:
    """Who takes three seconds to answer does not, for it."""
    await eventually(lambda: asyncio.to_thread(sees_every_process, stack), seconds=90)


def sees_every_process(stack: Stack) -> bool:
    settings = {"SHOP_HOME": str(stack.home), "SHOP_PORT_BASE": str(stack.port_base)}
    asked = [sys.executable, "-m", "deploy.observe.top", "--once", "--json", "--every", "0.3"]
    done = subprocess.run(asked, env=os.environ | settings, capture_output=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    seen = json.loads(done.stdout)
    replicas = {f"{service}{replica}" for service in SERVICES for replica in ("", "-2")}
    assert {each["process"] for each in seen["processes"] if each["answers"]} == replicas
    assert all(each["memory_mib"] > 10 for each in seen["processes"])
    assert (seen["shop"]["dead_letters"], seen["shop"]["unsent"]) == (0, 0)
    assert 0 < seen["shop"]["stream_full"] < 0.1
    return True


def test_the_story_of_the_readme_comes_true(stack: Stack, tmp_path: Path) -> None:
    readme.comes_true(stack, tmp_path)


async def test_a_thousand_purchases_are_terminal_settled_and_exact(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = await run(stack, Trial(purchases=1000, rest=0))
    with capsys.disabled():
        sys.stdout.write(f"\n1,000 purchases: {figures}\n")
    assert figures["wrong"] == []
    assert figures["outcomes"] == {"completed": 1000}


async def test_a_decision_is_rung_to_its_client_and_not_found_at_the_next_look(stack: Stack) -> None:
    """At ten purchases a second, so that the figure is the path's and not a queue's; where that is slow only
    because the machine is, a POST is, too."""
    figures = await run(stack, Trial(purchases=120, buyers=10, rate=10.0, rest=0))
    assert figures["wrong"] == []
    assert figures["decision_to_client_ms"]["p50"] <= max(200, 4 * figures["post_ms"]["p50"]), figures


async def test_one_process_of_every_service_dies_and_nothing_is_lost(stack: Stack) -> None:
    """kill -9 of one replica of each, one after the other, under load; the supervisor brings them back."""
    async with shop(stack) as client:
        measured = Measured()
        buyers, products = await prepare(client, 10, measured)
        async with asyncio.TaskGroup() as tasks:
            loading = tasks.create_task(patient_load(buyers, products))
            for service in present():
                await killed_and_back(stack, f"{service}-2")
            await loading
        assert await closed(stack) is not None
        assert len(measured.decided) == 300
        assert await wrong(stack, client, measured, products) == []


def test_every_service_runs_twice(stack: Stack) -> None:
    running = stack.processes()
    for service in present():
        assert {running[name]["state"] for name in (service, f"{service}-2")} == {"running"}
    assert set(present()) <= set(SERVICES)


async def test_every_replica_is_found_over_nats_and_is_well(stack: Stack) -> None:
    """Once all answer within the second that is waited for them."""
    await eventually(lambda: asyncio.to_thread(all_are_well, stack))


def all_are_well(stack: Stack) -> bool:
    try:
        replicas = census.found(stack)
    except NotRunning:
        return False
    twice = {f"{service}{number}" for service in present() for number in ("", "-2")}
    assert {replica.process for replica in replicas} == twice
    assert {replica.health for replica in replicas} == {"ok"}
    assert {replica.version for replica in replicas} == {__version__}
    return True


async def test_a_killed_replica_costs_no_answer(stack: Stack) -> None:
    """kill -9 of one of two while they are asked; the questions it had in hand go to the other."""
    question = ProductCheck(items=[Wish(product_id=new_id(), quantity=1)])
    async with broker(nats.url(stack.layout, stack.passwords, OPERATOR), OPERATOR) as connection:
        await connection.ready()
        requests, asked, over = Requests(connection), asyncio.Event(), asyncio.Event()

        async def ask_often() -> None:
            while not over.is_set():
                assert not (await requests.ask(question, timeout=12.0)).available
                asked.set()

        pid = stack.pid("product-2")
        async with asyncio.TaskGroup() as tasks:
            for _ in range(10):
                tasks.create_task(ask_often())
            await asked.wait()
            await killed_and_back(stack, "product-2")
            over.set()
        assert stack.pid("product-2") != pid


@pytest.mark.parametrize(
    ("token", "hops", "last"),
    [("tok_ok", traces.COMPLETED, "completed"), ("tok_decline", traces.DECLINED, "settled")],
)
async def test_a_purchase_is_one_trace_from_its_post_to_its_last_event(
    stack: Stack, collector: Collector, token: str, hops: list[traces.Hop], last: str
) -> None:
    async with shop(stack) as client:
        caller, events = await traces.traced_purchase(client, token)
        await traces.whole(collector, caller, hops, events)
    assert events[-1].type == last


async def test_where_a_purchase_went_is_told_from_what_the_services_remember(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("SHOP_PORT_BASE", str(stack.port_base))
    monkeypatch.setenv("SHOP_HOME", str(stack.home))
    async with shop(stack) as client:
        for token, end in (("tok_ok", "COMPLETED after"), ("tok_decline", "FAILED (card_declined) after")):
            _, events = await traces.traced_purchase(client, token)
            assert await asyncio.to_thread(trace.main, [events[0].data["purchase_id"]]) == 0
            lines = capsys.readouterr().out.splitlines()
            assert end in lines[0]
            assert [line for line in lines if "orchestrator → payment" in line]
    assert await asyncio.to_thread(trace.main, [events[0].data["purchase_id"], "--json"]) == 0
    known = json.loads(capsys.readouterr().out)
    assert (known["status"], known["standing"]["how"].split()[2]) == ("FAILED", "FAILED")
    assert {"orchestrator", "product", "order", "payment", "purchase"} == {
        hop["to"] for hop in known["hops"]
    } - {"mail"}
    assert await asyncio.to_thread(trace.main, [str(new_id())]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    monkeypatch.setenv("SHOP_HOME", str(tmp_path))
    assert await asyncio.to_thread(trace.main, [str(new_id())]) == 2
    assert capsys.readouterr().err == "trace: nothing is running; ./just up starts it\n"


async def test_no_log_no_trace_no_error_and_no_command_line_tells_a_secret_or_who_somebody_is(
    stack: Stack, collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    """Passwords of the servers, the signing key, tokens, codes, and all that a customer is asked for."""
    caller = Caller()
    async with shop(stack, caller.headers) as client:
        looked_for = canaries.Canaries.of(stack)
        await canaries.Life(client, stack, looked_for).lead()
    told = canaries.logs(stack) | {"command lines": canaries.command_lines()}
    told |= {f"error {number}": body for number, body in enumerate(looked_for.errors)}
    named = {"S3 PUT", "SMTP send", "PIPELINE"}
    recorded = await traces.of_everybody(collector, caller, present(), named)
    told |= {f"trace {span.span_id}": str(span) for span in recorded}
    told |= {f"report {number}": body for number, body in enumerate(collector.reports)}
    canaries.assert_structured(told)
    with capsys.disabled():
        sys.stdout.write(f"\n{len(looked_for.known)} canaries in {len(told)} texts: ")
        sys.stdout.write(f"{sum(map(len, told.values()))} characters\n")
    assert {name: found for name, text in told.items() if (found := looked_for.found_in(text))} == {}
