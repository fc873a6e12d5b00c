"""What a scenario showed: the clients' log, the databases, the provider's ledger, the mails, side by side."""

import asyncio
import random
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from deploy.audit.books import Books, ledger_of
from deploy.chaos.arena import Arena
from deploy.chaos.timeline import Fault
from deploy.chaos.traffic import Bought, Traffic
from deploy.client import until

SETTLE_SECONDS = 60.0
GRACE = 10.0
"""So long after an outage of its database or process, a late decision is still the outage's."""
REPEATED = 20

ROWS = "SELECT id, status, created_at, deadline_at, decided_at, settled_at FROM purchases"
DECIDING = ("purchase", "postgres", "everything")
SENDING = ("mail", "smtp", "postgres", "everything")
SUBJECTS = {"receipt": "Your receipt", "failure": "Your purchase could not be completed"}
OUTCOMES = {"completed": "COMPLETED", "failed": "FAILED", "timed_out": "TIMED_OUT"}


class Caught(msgspec.Struct):
    """A line of the mail catcher's ledger."""

    message_id: str
    subject: str


class Verdict(msgspec.Struct):
    """One scenario, in figures. Times in seconds."""

    scenario: str
    seconds: float
    clicked: int = 0
    accepted: int = 0
    decided: int = 0
    settled: int = 0
    lost: int = 0
    duplicated: int = 0
    oversold: int = 0
    captures: int = 0
    completed: int = 0
    outcomes: dict[str, int] = {}
    mails: int = 0
    repeated_mails: int = 0
    events: int = 0
    resumed_streams: int = 0
    statuses: dict[str, int] = {}
    late_in_outages: int = 0
    """Decided after their deadline because whoever decides was away."""
    settled_after: float | None = None
    """Seconds from the end of the last fault (of the clicks, if there was none) until nothing was left to do;
    None: not within the bound."""
    faults: list[Fault] = []
    per_second: list[list[int]] = []
    """Accepted, decided, settled in each second."""
    notes: dict[str, Any] = {}
    violations: list[str] = []


async def judged(
    name: str, arena: Arena, traffic: Traffic, began: float, notes: dict[str, Any], overtime: float
) -> Verdict:
    """Waits until everything has settled, then compares; call it when the faults are over."""
    verdict = Verdict(name, 0.0, notes=notes)
    settled = await _settle(arena, traffic)
    verdict.settled_after = settled
    if settled is None:
        verdict.violations.append(f"not settled within {SETTLE_SECONDS:.0f} s after the last fault")
    await traffic.repeat_some(random.Random(1), REPEATED)  # noqa: S311  # reproducible
    ledger = await ledger_of(traffic.shop.session, arena.stack.url("psp"))
    books = Books(arena.stack.database_urls, ledger)
    rows = {str(row["id"]): row for row in await books.rows("purchase", ROWS)}
    verdict.violations += traffic.wrong + await books.violations()
    _count(verdict, traffic, arena)
    _compare_clients(verdict, traffic, rows)
    _compare_times(verdict, arena, rows.values(), overtime)
    _compare_mails(verdict, arena, rows)
    verdict.captures = sum(entry.status == "captured" and entry.amount > 0 for entry in ledger)
    verdict.completed = sum(row["status"] == "COMPLETED" for row in rows.values())
    verdict.oversold = sum(each.startswith(("I1:", "I2:")) for each in verdict.violations)
    verdict.seconds = round(time.monotonic() - began, 1)
    _recover(arena, traffic.clicks)
    verdict.faults = arena.timeline.faults
    return verdict


async def _settle(arena: Arena, traffic: Traffic) -> float | None:
    """Polls at most twice a second: looking costs the shop something, too."""
    books = Books(arena.stack.database_urls, ())

    async def closed() -> bool | None:
        await asyncio.sleep(0.5)
        return (await traffic.all_told() and await books.are_closed()) or None

    last = arena.timeline.last_end or arena.timeline.now()
    try:
        await until(closed, seconds=max(5.0, last + SETTLE_SECONDS - arena.timeline.now()))
    except TimeoutError:
        return None
    return round(max(0.0, arena.timeline.now() - last), 1)


def _count(verdict: Verdict, traffic: Traffic, arena: Arena) -> None:
    clicks = traffic.clicks
    verdict.clicked = len(clicks)
    verdict.accepted = sum(bool(each.id) for each in clicks)
    verdict.decided = sum(bool(each.outcome) for each in clicks)
    verdict.outcomes = dict(Counter(each.outcome for each in clicks if each.outcome))
    verdict.events = sum(buyer.last_id for buyer in traffic.buyers)
    verdict.resumed_streams = sum(max(0, buyer.resumed) for buyer in traffic.buyers)
    verdict.statuses = {str(status): count for status, count in sorted(traffic.statuses.items())}
    if traffic.not_asked:
        verdict.notes["not asked, too many open"] = traffic.not_asked
    if traffic.statuses[500]:
        verdict.violations.append(f"{traffic.statuses[500]} requests were answered 500")
    verdict.per_second = _per_second(clicks, arena.timeline.began)


def _per_second(clicks: list[Bought], began: float) -> list[list[int]]:
    counts = [
        Counter(int(at - began) for at in times if at is not None)
        for times in (
            (each.answered for each in clicks),
            (each.decided for each in clicks),
            (each.settled or (each.decided if each.outcome == "completed" else None) for each in clicks),
        )
    ]
    last = max((max(count, default=0) for count in counts), default=0)
    return [[count[second] for count in counts] for second in range(last + 1)]


def _compare_clients(verdict: Verdict, traffic: Traffic, rows: dict[str, Any]) -> None:
    """What clients were promised is there, once, and ended as they were told."""
    promised = {each.id: each for each in traffic.clicks if each.id}
    unanswered = sum(not each.id for each in traffic.clicks)
    lost, unknown = promised.keys() - rows.keys(), rows.keys() - promised.keys()
    verdict.lost = len(lost)
    verdict.duplicated = len(unknown)
    verdict.settled = sum(row["settled_at"] is not None for row in rows.values())
    verdict.violations += [f"I5: {each} was accepted and is not there" for each in lost]
    if unanswered:
        verdict.violations.append(f"{unanswered} clicks have no answer")
    verdict.violations += [f"I11: nobody asked for {each}, or was told of it" for each in unknown]
    verdict.violations += [
        f"I5: {key} ended as {rows[key]['status']}, its customer was told {each.outcome or 'nothing'}"
        for key, each in promised.items()
        if key in rows and rows[key]["status"] != OUTCOMES.get(each.outcome)
    ]


def _compare_times(verdict: Verdict, arena: Arena, rows: Any, overtime: float) -> None:
    """I5: terminal in time, while whoever decides and its database are up."""
    now = datetime.now().astimezone()
    for row in rows:
        decided = row["decided_at"] or now
        late = (decided - row["deadline_at"]).total_seconds()
        if late <= overtime:
            continue
        due = arena.timeline.now() - (now - row["deadline_at"]).total_seconds()
        if arena.timeline.excuses(DECIDING, due, due + late, GRACE):
            verdict.late_in_outages += 1
        else:
            verdict.violations.append(f"I5: {row['id']} was decided {late:.1f} s after its deadline")


def _compare_mails(verdict: Verdict, arena: Arena, rows: dict[str, Any]) -> None:
    """I7: one Message-ID per purchase and kind, on the disk of the server that took it."""
    lines = Path(arena.stack.home, "smtp", "ledger.jsonl").read_bytes().splitlines()
    caught = [msgspec.json.decode(line, type=Caught) for line in lines]
    completed = sum(row["status"] == "COMPLETED" for row in rows.values())
    due = {"receipt": completed, "failure": len(rows) - completed}
    repeated = 0
    for kind, subject in SUBJECTS.items():
        ids = Counter(each.message_id for each in caught if each.subject == subject)
        repeated += ids.total() - len(ids)
        verdict.mails += len(ids)
        if len(ids) != due[kind]:
            verdict.violations.append(f"I7: {len(ids)} mails of kind {kind}, {due[kind]} are due")
    verdict.repeated_mails = repeated
    if repeated and not arena.timeline.excuses(SENDING, 0.0, arena.timeline.now(), 0.0):
        verdict.violations.append(f"I7: {repeated} mails were repeated, and nothing of theirs had failed")


def _recover(arena: Arena, clicks: list[Bought]) -> None:
    """From the client's log: when somebody was served again, and when nobody waited any more."""
    began = arena.timeline.began
    good = sorted(
        (each.clicked - began, each.decided - began)
        for each in clicks
        if each.decided is not None and each.outcome == "completed"
    )
    for fault in arena.timeline.faults:
        after = [decided for clicked, decided in good if clicked >= fault.ended]
        before = [
            each.decided - began
            for each in clicks
            if each.decided is not None and each.clicked - began <= fault.ended
        ]
        fault.served_after = round(min(after) - fault.ended, 2) if after else None
        fault.caught_up_after = round(max(0.0, max(before) - fault.ended), 2) if before else None
