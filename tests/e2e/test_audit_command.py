"""`just audit`: what it says, and its exit codes."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.audit.__main__ import main
from tests.e2e.audited import Audited
from tests.integration.psp.provider import PspProcess
from tests.support import eventually, free_port


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
