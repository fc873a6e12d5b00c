"""Three lines about a purchase: how it stands, where it is or was when its time ran out, and why. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from common.contracts.message import subject
from deploy.audit.history import Facts, History
from deploy.trace.hops import Hop, hops, reached, said_by, unanswered, verb
from purchase.model import ACKNOWLEDGEMENTS, SETTLED_DONE, SETTLED_UNDONE

OPEN = {"PENDING", "TIMED_OUT"}


class Waiting(NamedTuple):
    """What the broker knows of a durable consumer."""

    listeners: int
    """Processes that ask for messages now."""
    unread: int
    in_hand: int


@dataclass(frozen=True)
class Standing:
    """`where` and `why` are empty where nothing is to be said."""

    how: str
    where: str
    why: str

    @property
    def lines(self) -> list[str]:
        return [line for line in (self.how, self.where, self.why) if line]


def standing(history: History, waiting: Mapping[str, Waiting], now: datetime) -> Standing:
    """`waiting`: by durable, as it is now; empty where the broker does not answer."""
    [purchase] = history.facts["purchase"]
    how = f"purchase {history.id}: {_how(purchase, now)}"
    way = hops(history.words)
    if purchase["status"] in OPEN:
        hop = reached(way, purchase["decided_at"] or now)
        verb_ = "it is at" if purchase["status"] == "PENDING" else "it stood at"
        if hop is None:
            return Standing(how, f"{verb_} a step that nobody remembers", history.left_out)
        return Standing(how, f"{verb_} {_where(hop, now)}", _why(hop, history, waiting, now))
    if purchase["settled_at"] is None and (open_ := unanswered(way)):
        hop = open_[0]
        return Standing(how, f"it waits at {_where(hop, now)}", _why(hop, history, waiting, now))
    return Standing(how, _longest(way), "")


def _how(purchase: Facts, now: datetime) -> str:
    began, decided, settled = (purchase[name] for name in ("created_at", "decided_at", "settled_at"))
    if decided is None:
        left = (purchase["deadline_at"] - now).total_seconds()
        return f"PENDING for {_lasted(began, now)}; " + (
            f"its deadline is in {left:.1f} s" if left > 0 else f"{-left:.1f} s beyond its deadline"
        )
    reason = f" ({purchase['reason']})" if purchase["reason"] else ""
    end = f"settled {_lasted(decided, settled)} later" if settled else f"not settled: {_missing(purchase)}"
    return f"{purchase['status']}{reason} after {_lasted(began, decided)}, at {_clock(decided)}; {end}"


def _missing(purchase: Facts) -> str:
    wanted = SETTLED_DONE if purchase["status"] == "COMPLETED" else SETTLED_UNDONE
    missing = wanted & ~purchase["acknowledged"]
    names = [subject(word).rpartition(".")[2] for word, bit in ACKNOWLEDGEMENTS.items() if missing & bit]
    return f"no {' and no '.join(names)} yet"


def _where(hop: Hop, now: datetime) -> str:
    """Whose turn it is or was, and how far the word got."""
    said = f"{hop.receiver}: {verb(hop)}, said by {said_by(hop)} at {_clock(hop.said_at)}"
    if hop.streamed_at is None:
        return f"{said}, is not on the stream"
    if hop.answered_at is not None:
        return f"{said}, was answered {_lasted(hop.streamed_at, hop.answered_at)} after it was on the stream"
    heard = "heard and not answered" if hop.is_heard else "not heard"
    return f"{said}, {heard} for {_lasted(hop.streamed_at, now)}"


def _why(hop: Hop, history: History, waiting: Mapping[str, Waiting], now: datetime) -> str:
    return "why: " + next(_reasons(hop, history, waiting, now))


def _reasons(hop: Hop, history: History, waiting: Mapping[str, Waiting], now: datetime) -> Iterator[str]:
    """The first counts."""
    who = hop.receiver
    for letter in history.facts["dead letters"]:
        if letter["durable"] == who and letter["message_id"] == hop.word.id:
            state = letter["state"] or "open"
            yield f"{who} cannot handle it: a dead letter after {letter['deliveries']} deliveries ({state})"
    if hop.streamed_at is None:
        outbox = f"it has not left the outbox of {said_by(hop)} for {_lasted(hop.said_at, now)}"
        yield f"{outbox}: the broker is away, or no process publishes"
    if who == "payment" and (asked := _provider(history)):
        yield asked
    if hop.answered_at is not None:
        yield f"{who} was away or too busy until {_clock(hop.answered_at)}"
    if hop.is_heard:
        yield f"{who} has heard it and says nothing: look into its log"
    yield _now(who, waiting.get(who), history.left_out)


def _now(who: str, known: Waiting | None, left_out: str) -> str:
    """What it does at this moment."""
    if known is None:
        return left_out or f"nobody knows what {who} does: the broker does not tell"
    if known.listeners == 0:
        return f"no process of {who} asks for messages: it does not run; {known.unread} wait unread"
    in_hand = f"{known.in_hand} messages are in hand and not handled, " if known.in_hand else ""
    return f"{who} runs; {in_hand}{known.unread} wait unread"


def _provider(history: History) -> str:
    for row in history.facts["payment"]:
        if row["next_call_at"] is not None and row["calls"]:
            times = "once" if row["calls"] == 1 else f"{row['calls']} times"
            return (
                f"the provider was asked {times} and has not answered; again at {_clock(row['next_call_at'])}"
            )
        if row["status"] == "ATTENTION":
            return f"the payment needs a human: {row['reason']}"
    return ""


def _longest(way: list[Hop]) -> str:
    done = [hop for hop in way if hop.answered_at is not None]
    if not done:
        return ""
    hop = max(done, key=lambda each: each.until - each.said_at)
    return f"it waited longest for {hop.receiver}: {verb(hop)}, {_lasted(hop.said_at, hop.until)}"


def _lasted(start: datetime, end: datetime) -> str:
    seconds = max(0.0, (end - start).total_seconds())
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S.%f}"[:-3]
