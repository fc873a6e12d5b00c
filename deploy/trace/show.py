"""A purchase as a waterfall: a line per hop and moment, with a bar where its time lies. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from deploy.audit.history import History
from deploy.audit.show import encoded
from deploy.trace.hops import Hop, hops, said_by, verb
from deploy.trace.standing import Standing

WIDTH = 32
OUTBOX, WAITING, POINT = "░", "█", "│"
LEGEND = f"{OUTBOX} until it is on the stream, {WAITING} until its receiver has taken it up"


class Line(NamedTuple):
    at: datetime
    stream: datetime | None
    until: datetime | None
    who: str
    what: str
    note: str = ""


def waterfall(history: History) -> Iterator[str]:
    lines = sorted([*_hop_lines(hops(history.words)), *_moments(history)], key=lambda line: line.at)
    if not lines:
        return
    begin = lines[0].at
    whole = max(max(line.until or line.at for line in lines) - begin, timedelta(milliseconds=1))
    yield f"{'ms':>10} {'took':>9}  {'':{WIDTH}}  {'who':<24} what"
    for line in lines:
        took = f"{_ms(line.until - line.at):.1f}" if line.until else ""
        bar = _bar(line, begin, whole)
        note = f"  ({line.note})" if line.note else ""
        when = f"{_ms(line.at - begin):>10.1f} {took:>9}"
        yield f"{when}  {bar:{WIDTH}}  {line.who:<24} {line.what}{note}".rstrip()
    yield f"{'':22}{LEGEND}"
    if history.left_out:
        yield f"({history.left_out})"


def _hop_lines(way: Sequence[Hop]) -> Iterator[Line]:
    for hop in way:
        who = f"{said_by(hop)} → {hop.receiver}"
        attempt = f" attempt {hop.word.attempt}" if hop.word.attempt not in {"", "0"} else ""
        until = None if hop.is_awaited and hop.answered_at is None else hop.until
        yield Line(hop.said_at, hop.streamed_at, until, who, verb(hop) + attempt, _note(hop))


def _note(hop: Hop) -> str:
    if hop.streamed_at is None:
        return "not on the stream"
    if hop.answered_at is None and hop.is_awaited:
        return (
            "heard, not answered" if hop.is_heard else "not answered" if hop.is_heard is None else "not heard"
        )
    return "" if hop.is_heard is not False else "not heard"


def _moments(history: History) -> Iterator[Line]:
    """What is no word: rows, events, the provider's ledger, mails, dead letters."""
    words = {word.id for word in history.words}
    for moment in history.timeline:
        if moment.at and moment.id not in words:
            yield Line(moment.at, None, None, moment.service, moment.what)


def _bar(line: Line, begin: datetime, whole: timedelta) -> str:
    def place(at: datetime) -> int:
        return min(WIDTH - 1, int(WIDTH * ((at - begin) / whole)))

    start = place(line.at)
    if line.until is None:
        return " " * start + POINT
    stream = place(line.stream) if line.stream else start
    end = place(line.until)
    return " " * start + OUTBOX * max(0, stream - start) + WAITING * (end - max(start, stream) + 1)


def _ms(span: timedelta) -> float:
    return 1000 * span.total_seconds()


def as_json(history: History, told: Standing) -> str:
    [purchase] = history.facts["purchase"]
    known: dict[str, Any] = {
        "id": history.id,
        "status": purchase["status"],
        "settled": purchase["settled_at"] is not None,
        "standing": {"how": told.how, "where": told.where, "why": told.why},
        "hops": [_hop_facts(hop) for hop in hops(history.words)],
        "timeline": history.timeline,
        "left_out": history.left_out,
    }
    return encoded(known)


def _hop_facts(hop: Hop) -> dict[str, Any]:
    return {
        "message": hop.word.id,
        "subject": hop.word.subject,
        "from": said_by(hop),
        "to": hop.receiver,
        "said_at": hop.said_at,
        "streamed_at": hop.streamed_at,
        "answered_at": hop.answered_at,
        "outbox_ms": None if hop.streamed_at is None else max(0.0, _ms(hop.streamed_at - hop.said_at)),
        "waited_ms": None
        if hop.streamed_at is None or hop.answered_at is None
        else max(0.0, _ms(hop.answered_at - hop.streamed_at)),
        "heard": hop.is_heard,
    }
