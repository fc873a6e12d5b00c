"""Whatever is tampered with is found, and named; what is not, is not."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from deploy.audit.__main__ import main
from deploy.audit.findings import CLOSED, Bounds, Report
from deploy.audit.look import audit
from tests.e2e.audited import Audited, Tampered, build
from tests.e2e.seeds import DOCTORED, NOBODY, SEEDS, Doctor, Seed
from tests.integration.psp.provider import PspProcess
from tests.support import eventually, free_port

BOUNDS = Bounds()


@pytest.fixture(scope="module")
def books(servers: Tampered, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    with servers.databases() as database:
        yield asyncio.run(build(servers, database, tmp_path_factory.mktemp("audited")))


def named(report: Report, invariant: str, what: str) -> bool:
    return any((each.invariant, each.what) == (invariant, what) for each in report.in_order)


async def test_every_kind_of_purchase_leaves_books_that_agree(books: Audited) -> None:
    for bounds in (BOUNDS, CLOSED):
        report = await audit(books.sources(books.databases), bounds, again_after=0)
        assert report.in_order == []
    assert dict(report.totals.purchases) == {"COMPLETED": 3, "FAILED": 3, "TIMED_OUT": 1}
    assert report.totals.owed == report.totals.taken == 4000
    assert report.totals.words > 50


@pytest.mark.parametrize("given", SEEDS, ids=lambda given: f"{given.invariant}-{given.service}")
async def test_what_somebody_did_to_a_database_is_found(given: Seed, books: Audited) -> None:
    databases = await books.seeded(given.service, *given.statements)
    report = await audit(books.sources(databases), BOUNDS, again_after=0)
    assert named(report, given.invariant, given.what), [*map(str, report.in_order)]
    known = {**books.purchases, "nobody": NOBODY}
    assert report.first_purchase == (known[given.purchase] if given.purchase else None)


@pytest.mark.parametrize(
    ("invariant", "what", "purchase", "doctored"),
    DOCTORED,
)
async def test_what_the_provider_says_otherwise_is_found(
    invariant: str, what: str, purchase: str, doctored: Doctor, books: Audited
) -> None:
    key = books.purchases[purchase]
    report = await audit(
        books.sources(books.databases, doctored(books.ledger, str(key))), BOUNDS, again_after=0
    )
    assert named(report, invariant, what), [*map(str, report.in_order)]
    assert report.first_purchase == key


async def test_a_capture_for_a_purchase_that_ended_otherwise_is_found(books: Audited) -> None:
    [held] = [
        each
        for each in books.ledger
        if (each.authorization, each.status) == (str(books.purchases["cancelled"]), "voided")
    ]
    ledger = [*books.ledger, msgspec.structs.replace(held, status="captured")]
    report = await audit(books.sources(books.databases, ledger), BOUNDS, again_after=0)
    assert named(report, "I4", "was captured at the provider though it did not complete")


async def test_a_dead_letter_counts_as_heard_until_the_books_are_closed(books: Audited) -> None:
    message = "evt.purchase.completed:{completed}:0"
    databases = await books.seeded(
        "mail",
        f"DELETE FROM inbox WHERE message_id = '{message}'",
        "INSERT INTO dead_letter (message_id, durable, subject, payload, deliveries, error)"
        f" VALUES ('{message}', 'mail', 'evt.purchase.completed', '', 5, 'x')",
    )
    report = await audit(books.sources(databases), BOUNDS, again_after=0)
    assert report.is_clean
    assert report.services["mail"].letters == 1
    assert named(await audit(books.sources(databases), CLOSED, again_after=0), "I9", "has dead letters")


async def test_what_went_to_a_stream_that_is_gone_is_due_unless_it_is_driven_again(books: Audited) -> None:
    """P16: the sale ended by other words; a notice of the account has no other."""
    deaf = await books.seeded(
        "mail", "DELETE FROM inbox WHERE message_id = 'evt.purchase.completed:{completed}:0'"
    )
    gone = await books.seeded("purchase", "UPDATE relay_state SET stream_created_at = now()")
    report = await audit(books.sources(deaf | {"purchase": gone["purchase"]}), BOUNDS, again_after=0)
    assert report.is_clean, [*map(str, report.in_order)]
    deaf = await books.seeded("mail", "DELETE FROM inbox WHERE message_id LIKE 'evt.account.%'")
    gone = await books.seeded("account", "UPDATE relay_state SET stream_created_at = now()")
    report = await audit(books.sources(deaf | {"account": gone["account"]}), BOUNDS, again_after=0)
    assert named(report, "I9", "was published by account and not heard by mail")


async def test_what_is_not_due_yet_is_no_violation(books: Audited) -> None:
    databases = await books.seeded(
        "purchase", "UPDATE purchases SET settled_at = NULL, decided_at = now() WHERE id = '{declined}'"
    )
    report = await audit(books.sources(databases), BOUNDS, again_after=0)
    assert report.is_clean
    assert report.totals.open == 1


async def test_what_has_passed_at_the_second_look_is_no_violation(books: Audited) -> None:
    databases = await books.seeded("order", "UPDATE orders SET status = 'CANCELED' WHERE id = '{completed}'")
    looks = iter([books.sources(databases), books.sources(books.databases)])
    first, second = [await audit(each, BOUNDS, again_after=0) for each in looks]
    assert not first.is_clean
    assert second.findings.confirmed(first.findings).kept == {}


# -- at the command line


@pytest.fixture
def provider(books: Audited) -> Iterator[PspProcess]:
    process = PspProcess(books.ledger_file).start()
    yield process
    process.stop()


def told(books: Audited, databases: dict[str, str], psp_url: str, home: Path) -> Path:
    """A file of settings, as the container of compose has one."""
    lines = [f"port = {free_port()}", f'psp_url = "{psp_url}"']
    lines += [f'nats_url = "{books.servers.nats_url_of("viewer")}"', "[databases]"]
    lines += [f'{service} = "{url}"' for service, url in books.of_auditor(databases).items()]
    file = home / "audit.toml"
    file.write_text("\n".join(lines))
    return file


def test_clean_books_are_exit_code_0(
    books: Audited,
    provider: PspProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SETTINGS_FILE", str(told(books, dict(books.databases), provider.url, tmp_path)))
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("The books agree.")


def test_violations_are_exit_code_1_a_line_each_and_the_history_of_the_first_purchase(
    books: Audited,
    provider: PspProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    seeded = "UPDATE orders SET status = 'CANCELED' WHERE id IN ('{completed}', '{after}')"
    databases = asyncio.run(books.seeded("order", seeded))
    monkeypatch.setenv("SETTINGS_FILE", str(told(books, databases, provider.url, tmp_path)))
    purchase = books.purchases["completed"]
    assert main(["--again-after", "0"]) == 1
    out = capsys.readouterr().out
    assert out.startswith(f"I3, 2 in all; the first: {purchase} completed without its order (CANCELED)\n")
    history = out[out.index(f"purchase {purchase}") :]
    for each in (
        *("status COMPLETED", "status DONE", "status CANCELED", "status CAPTURED", "kind receipt"),
        *("event 5: completed", "stock reserved: -2", "provider     authorized 2000", "captured 2000"),
        *("evt.purchase.requested attempt 0", "heard by mail", "receipt mail sent", "settled"),
        "orchestrator cmd.payment.capture_payment attempt 0: on the stream as",
    ):
        assert each in history, each
    assert main(["--again-after", "0", "--json"]) == 1
    known = json.loads(capsys.readouterr().out)
    assert (known["clean"], known["violations"]) == (False, {"I3": 2})
    assert known["history"]["id"] == str(purchase)
    assert known["history"]["timeline"] == sorted(known["history"]["timeline"], key=lambda each: each["at"])


def test_the_history_of_any_purchase_is_told(
    books: Audited,
    provider: PspProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SETTINGS_FILE", str(told(books, dict(books.databases), provider.url, tmp_path)))
    assert main(["--purchase", str(books.purchases["timed_out"])]) == 0
    out = capsys.readouterr().out
    lines = out.partition("\n\n")[2].splitlines()
    order = ["accepted", "deadline", "decided: TIMED_OUT", "voided 1000", "settled"]
    at = [next(n for n, line in enumerate(lines) if each in line) for each in order]
    assert at == sorted(at)


@pytest.mark.parametrize("away", ["order", "provider"])
def test_what_cannot_be_read_is_exit_code_2_and_one_line(
    away: str,
    books: Audited,
    provider: PspProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    databases, url = dict(books.databases), provider.url
    if away == "provider":
        url = f"http://{nowhere}"
    file = told(books, databases, url, tmp_path)
    if away == "order":
        at = books.of_auditor(databases)["order"]
        file.write_text(file.read_text().replace(at, f"postgresql://auditor:x@{nowhere}/order"))
    monkeypatch.setenv("SETTINGS_FILE", str(file))
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    [line] = captured.err.splitlines()
    assert line.startswith(f"audit: the {'provider' if away == 'provider' else 'database of order'}")


async def test_repeated_it_shows_metrics_until_it_is_told_to_stop(
    books: Audited, provider: PspProcess, tmp_path: Path
) -> None:
    databases = await books.seeded("mail", "DELETE FROM mails WHERE about = '{completed}'")
    file, port = told(books, databases, provider.url, tmp_path), free_port()
    environment = os.environ | {"SETTINGS_FILE": str(file)}
    command = [sys.executable, "-m", "deploy.audit", "--every", "0.5", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)  # noqa: ASYNC220  # as an operator would

    def shown() -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=2) as response:
                text = str(response.read().decode())
        except OSError:
            return ""
        return text if 'audit_violations{invariant="I7"} 1.0' in text else ""

    try:
        text = await eventually(shown, seconds=60, every=0.1)
        for each in (
            'audit_violations{invariant="I3"} 0.0',
            'audit_oldest_unsent_seconds{service="order"} 0.0',
            'audit_dead_letters{service="mail"} 0.0',
            'audit_purchases{status="COMPLETED"} 3.0',
            "audit_unsettled 0.0",
            "audit_unreadable 0.0",
        ):
            assert each in text
        assert "audit_last_run_timestamp_seconds 1" in text
        assert "audit_duration_seconds 0.0\n" not in text
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0  # it has nothing else to do
        assert process.stdout
        process.stdout.close()
