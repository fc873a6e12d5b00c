"""A report and a history: as lines to read, and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from deploy.audit.findings import Report
from deploy.audit.history import Facts, History
from deploy.audit.moments import Moment

SHOWN = ("purchase", "reservation", "order", "payment", "mails", "dead letters")


def as_lines(report: Report) -> Iterator[str]:
    """A line per violated invariant, or one that says what agrees; then the figures."""
    findings = report.in_order
    for name, count in sorted(report.findings.counts.items(), key=lambda each: int(each[0][1:])):
        first = next(each for each in findings if each.invariant == name)
        more = f", {count} in all; the first" if count > 1 else ""
        yield f"{name}{more}: {str(first).partition(': ')[2]}"
    if report.is_clean:
        yield "The books agree."
    yield from figures(report)


def figures(report: Report) -> Iterator[str]:
    totals = report.totals
    ends = ", ".join(f"{count} {status}" for status, count in sorted(totals.purchases.items()))
    whole = sum(totals.purchases.values())
    yield f"  purchases     {whole} ({ends or 'none'}); {totals.open} not settled yet"
    yield f"  money         {totals.owed} owed, {totals.taken} taken"
    unsent = {name: each.oldest_unsent for name, each in report.services.items()}
    last = max(unsent, key=lambda name: unsent[name], default="-")
    oldest = f"oldest unsent {unsent.get(last, 0):.1f} s" + (f" ({last})" if unsent.get(last) else "")
    yield f"  messages      {totals.words} compared, {oldest}, {letters(report)}"
    yield f"  oldest        {totals.oldest_pending:.1f} s PENDING, {totals.oldest_open:.1f} s not settled"
    yield f"  looked        {report.seconds:.2f} s"


def letters(report: Report) -> str:
    known = [f"{name} {each.letters}" for name, each in report.services.items() if each.letters]
    return f"dead letters: {', '.join(known)}" if known else "no dead letters"


def history_lines(history: History) -> Iterator[str]:
    yield f"purchase {history.id}"
    for name in SHOWN:
        yield from facts_lines(name, history.facts[name])
    yield ""
    yield from map(moment_line, history.timeline)
    if history.left_out:
        yield f"({history.left_out})"


def facts_lines(name: str, rows: Sequence[Facts]) -> Iterator[str]:
    if not rows:
        yield f"  {name:<12} none"
    for row in rows:
        known = "  ".join(f"{key} {value_text(value)}" for key, value in row.items() if value is not None)
        yield f"  {name:<12} {known}"


def value_text(value: Any) -> str:
    return f"{value:%H:%M:%S.%f}"[:-3] if hasattr(value, "hour") else str(value)


def moment_line(moment: Moment) -> str:
    at = f"{moment.at:%Y-%m-%d %H:%M:%S.%f}"[:-3] if moment.at else "time not known".ljust(23)
    attempt = f" attempt {moment.attempt}" if moment.attempt else ""
    word = f"{moment.subject}{attempt}: " if moment.subject else ""
    return f"  {at}  {moment.service:<12} {word}{moment.what}" + (f"  [{moment.id}]" if moment.id else "")


def as_json(report: Report, history: History | None) -> str:
    known: Mapping[str, Any] = {
        "clean": report.is_clean,
        "violations": dict(report.findings.counts),
        "findings": [
            {
                "invariant": each.invariant,
                "about": each.about,
                "what": each.what,
                "seen": each.seen,
                "purchase": each.purchase,
            }
            for each in report.in_order
        ],
        "totals": report.totals._asdict(),
        "services": {name: each._asdict() for name, each in report.services.items()},
        "seconds": round(report.seconds, 3),
        "history": None if history is None else history_facts(history),
    }
    return encoded(known)


def history_facts(history: History) -> Mapping[str, Any]:
    return {"id": history.id, **history.facts, "timeline": history.timeline, "left_out": history.left_out}


def encoded(known: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(known), indent=2).decode()
