"""The campaign is tested too: one rule is taken out of a copy of the code at a time, and it must notice.

`./just chaos --mutants`. A mutant is a line of the shop written wrong, the scenario that shows it, and the
invariant under which it shows.
"""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from deploy.embedded.layout import ROOT

SECONDS = 400.0
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "tests", "docs", "node_modules")


class Mutant(NamedTuple):
    """`old` stands once in the file; `caught` begins what the campaign says of it, one of them at least."""

    name: str
    rule: str
    file: str
    old: str
    new: str
    scenario: str
    caught: tuple[str, ...]


MUTANTS = (
    Mutant(
        "no-tombstone",
        "P4",
        "product/model/reservation.py",
        "return Reservation(status=Status.TOMBSTONE), shelf",
        "return reservation, shelf",
        "cancelled-at-once",
        ("I4",),
    ),
    Mutant(
        "two-decisions",
        "P1",
        "purchase/model.py",
        "    if row.status is not Status.PENDING:\n        return Outcome(row)\n    progressed = ",
        "    progressed = ",
        "cancelled-at-once",
        ("I5", "I9"),
    ),
    Mutant(
        "forgotten-undo",
        "P3",
        "orchestrator/saga.py",
        "[step.undo for step in reversed(self.steps)]",
        "[step.undo for step in reversed(self.steps[1:])]",
        "deadlines-of-50-ms",
        ("I4", "I10"),
    ),
    Mutant(
        "void-without-waiting",
        "P12",
        "payment/model/rules.py",
        "        case Status.AUTHORIZING | Status.VOIDING:\n",
        "        case Status.AUTHORIZING:\n            return payment, [PaymentVoided.following(command)]\n"
        "        case Status.VOIDING:\n",
        "cancelled-at-once",
        ("I4", "I6"),
    ),
    Mutant(
        "captured-too-early",
        "protocol 1",
        "payment/model/rules.py",
        "return moved(payment, Status.AUTHORIZED), [PaymentAuthorized.following(authorize)]",
        "return moved(payment, Status.CAPTURING), [PaymentAuthorized.following(authorize)]",
        "cancelled-at-once",
        ("I6", "I10"),
    ),
    Mutant(
        "key-forgotten",
        "I11",
        "purchase/repository.py",
        "       traceparent, idempotency_key, request_hash,\n       now()",
        "       traceparent, NULL, request_hash,\n       now()",
        "deadlines-of-50-ms",
        ("I11",),
    ),
    Mutant(
        "fresh-provider-key",
        "P11",
        "payment/gateway.py",
        'self._post("/v1/authorizations", str(payment.id), question)',
        'self._post("/v1/authorizations", f"{payment.id}:{payment.calls}", question)',
        "provider-scripts",
        ("I4", "I6", "I10"),
    ),
    Mutant(
        "reserved-again",
        "P5",
        "product/model/reservation.py",
        "    if reservation.status is Status.NEW:\n        reservation, shelf = _reserve",
        "    if reservation.status in (Status.NEW, Status.DONE):\n        reservation, shelf = _reserve",
        "pauses",
        ("I2",),
    ),
    Mutant(
        "stream-repeats",
        "protocol 8",
        "purchase/event_log.py",
        "account_id = $1 AND account_seq > $2",
        "account_id = $1 AND account_seq >= $2",
        "kill-services",
        ("I8",),
    ),
    Mutant(
        "deadline-unwatched",
        "P9",
        "purchase/repository.py",
        "deadline_at < now()",
        "deadline_at < now() - interval '1 hour'",
        "broker-away",
        ("I5", "not settled"),
    ),
    Mutant(
        "no-recovery",
        "protocol 9",
        "common/messaging/relay.py",
        "WHERE published_at IS NULL AND created_at < now() - interval '1 second'\n",
        "WHERE false",
        "kill-all-services",
        ("I9", "not settled"),
    ),
    Mutant(
        "marks-without-acks",
        "protocol 9",
        "common/messaging/relay.py",
        "self._marks += [row for row, is_stored in zip(rows, stored, strict=True) if is_stored]",
        "self._marks += rows",
        "broker-disk-full",
        ("I9",),
    ),
    Mutant(
        "new-stream-unnoticed",
        "P16",
        "common/messaging/incarnation.py",
        '        if row["stream_created_at"] is not None:',
        "        if False:",
        "broker-wiped",
        ("I9",),
    ),
    Mutant(
        "acknowledged-before-commit",
        "protocol 9",
        "common/messaging/consumer.py",
        "                await self.work(deliveries)\n",
        "                await self._acknowledge(deliveries)\n                await asyncio.sleep(0.2)\n"
        "                await self.work(deliveries)\n",
        "kill-all-services",
        ("I9",),
    ),
)


def planted(mutant: Mutant, folder: Path) -> None:
    """A copy of the code with the fault in it."""
    shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
    (folder / ".venv").symlink_to(Path(sys.prefix))
    file = folder / mutant.file
    file.write_text(mutated(mutant, file.read_text()))


def mutated(mutant: Mutant, text: str) -> str:
    """Raises ValueError when the line that is to be written wrong does not stand there once."""
    if text.count(mutant.old) != 1:
        raise ValueError(f"{mutant.name}: {mutant.file} has changed")
    return text.replace(mutant.old, mutant.new)


def shot_at(mutant: Mutant, *, rate: float, seed: int, port_base: int) -> list[str]:
    """What the campaign says about the copy; nothing is what must not be."""
    with TemporaryDirectory(prefix="shop-mutant-") as home:
        copy, report = Path(home) / "shop", Path(home) / "report.json"
        planted(mutant, copy)
        command = [sys.executable, "-m", "deploy.chaos", "--scenario", mutant.scenario, "--json", str(report)]
        command += ["--rate", str(rate), "--seed", str(seed), "--port-base", str(port_base)]
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False, timeout=SECONDS)
        if not report.exists():
            return [f"no report: {done.stderr.strip()[-500:]}"]
        verdicts = json.loads(report.read_text())["verdicts"]
        return [violation for verdict in verdicts for violation in verdict["violations"]]


def hunt(only: str, *, rate: float, seed: int, port_base: int) -> int:
    """Every mutant, one after the other; returns how many got away."""
    escaped = 0
    for mutant in MUTANTS:
        if only not in mutant.name:
            continue
        began = time.monotonic()
        said = shot_at(mutant, rate=rate, seed=seed, port_base=port_base)
        telling = [each for each in said if each.startswith(mutant.caught)]
        escaped += not telling
        word = f"caught: {telling[0]}" if telling else f"GOT AWAY: {said[:3]}"
        took = f"{time.monotonic() - began:.0f} s"
        print(f"{mutant.name:28} {mutant.rule:10} {mutant.scenario:26} {took:>6} {word}", flush=True)
    return escaped
