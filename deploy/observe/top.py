"""`./just top`: what the running stack does right now, from the metrics of its processes.

Rates and times are of the last interval; a time is the bound below which 95 of 100 were.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from deploy.embedded.errors import NotRunning, StackError
from deploy.embedded.layout import SERVICES
from deploy.embedded.stack import Stack
from deploy.observe.scrape import Page, ask_all, quantile

SHARE = 0.95
CLEAR = "\x1b[H\x1b[2J"
DURATION, DWELL = "shop_purchase_duration_seconds", "shop_message_dwell_seconds"
HTTP = "http_server_request_duration_seconds"


@dataclass(frozen=True)
class Whole:
    """The shop. Ages are seconds, times milliseconds, the rest is per second or a number."""

    accepted: float
    completed: float
    failed: float
    timed_out: float
    decided_ms: float | None
    settled_ms: float | None
    unsent: float
    oldest_unsent: float
    dead_letters: float
    streams: float
    stream_full: float


@dataclass(frozen=True)
class Row:
    """One process; of one that does not answer, only its name is known."""

    process: str
    answers: bool
    cpu: float = 0.0
    memory_mib: float = 0.0
    requests: float = 0.0
    errors: float = 0.0
    received: float = 0.0
    said: float = 0.0
    outbox_ms: float | None = None
    stream_ms: float | None = None
    queue_ms: float | None = None
    handler_ms: float | None = None
    pending: float = 0.0
    oldest: float = 0.0
    pool: str = "-"
    late_ms: float | None = None


@dataclass(frozen=True)
class View:
    """Everything that is shown, and over how many seconds it was counted."""

    seconds: float
    shop: Whole
    processes: list[Row]


def ms(pages: list[Page], name: str, **where: str) -> float | None:
    found = quantile(SHARE, (page.buckets(name, **where) for page in pages))
    return None if found is None else 1000 * found


def whole(pages: list[Page], added: list[Page], seconds: float) -> Whole:
    def rate(name: str, **where: str) -> float:
        return sum(page.sum(name, **where) for page in added) / seconds

    ended = f"{DURATION}_count"
    most = max((page.most("shop_stream_max_bytes") for page in pages), default=0.0)
    full = max((page.most("shop_stream_bytes") for page in pages), default=0.0)
    unsent = {name: page.most("shop_outbox_unsent") for name, page in _of_services(pages).items()}
    letters = {name: page.sum("shop_open_dead_letters") for name, page in _of_services(pages).items()}
    return Whole(
        accepted=rate("shop_purchases_accepted_total"),
        completed=rate(ended, until="decided", outcome="completed"),
        failed=rate(ended, until="decided", outcome="failed"),
        timed_out=rate(ended, until="decided", outcome="timed_out"),
        decided_ms=ms(added, DURATION, until="decided"),
        settled_ms=ms(added, DURATION, until="settled"),
        unsent=sum(unsent.values()),
        oldest_unsent=max((page.most("shop_outbox_oldest_seconds") for page in pages), default=0.0),
        dead_letters=sum(letters.values()),
        streams=sum(page.sum("shop_sse_streams") for page in pages),
        stream_full=full / most if most else 0.0,
    )


def _of_services(pages: list[Page]) -> dict[str, Page]:
    """One page of each: replicas tell the same of their database."""
    found = {}
    for page in pages:
        for name, labels in page.samples:
            if name == "target_info":
                found[dict(labels)["service_name"]] = page
    return found


def row(process: str, page: Page, added: Page, seconds: float) -> Row:
    if not page.answers:
        return Row(process, answers=False)
    pool = (
        f"{page.sum('db_client_connections', state='used'):.0f}/{page.sum('db_client_connections_max'):.0f}"
    )
    return Row(
        process,
        answers=True,
        cpu=added.sum("process_cpu_seconds_total") / seconds,
        memory_mib=page.sum("process_resident_memory_bytes") / 2**20,
        requests=added.sum(f"{HTTP}_count") / seconds,
        errors=added.sum(f"{HTTP}_count", http_response_status_class="5xx") / seconds,
        received=added.sum("shop_messages_received_total") / seconds,
        said=added.sum(f"{DWELL}_count", stage="outbox") / seconds,
        outbox_ms=ms([added], DWELL, stage="outbox"),
        stream_ms=ms([added], DWELL, stage="stream"),
        queue_ms=ms([added], DWELL, stage="queue"),
        handler_ms=ms([added], DWELL, stage="handler"),
        pending=page.sum("shop_consumer_pending") + page.sum("shop_consumer_waiting"),
        oldest=page.most("shop_consumer_oldest_seconds"),
        pool=pool if page.sum("db_client_connections_max") else "-",
        late_ms=ms([added], "shop_event_loop_delay_seconds"),
    )


def view(before: Mapping[str, Page], after: Mapping[str, Page], seconds: float) -> View:
    added = {name: page.less(before.get(name, Page())) for name, page in after.items()}
    return View(
        seconds,
        whole(list(after.values()), list(added.values()), seconds),
        [row(name, page, added[name], seconds) for name, page in after.items()],
    )


def lines(seen: View) -> list[str]:
    shop = seen.shop
    head = (
        f"accepted {shop.accepted:.1f}/s   completed {shop.completed:.1f}/s   failed {shop.failed:.1f}/s   "
        f"timed out {shop.timed_out:.1f}/s   decided in {_time(shop.decided_ms).strip()} ms, "
        f"settled in {_time(shop.settled_ms).strip()} ms"
    )
    state = (
        f"unsent {shop.unsent:.0f}, oldest {shop.oldest_unsent:.1f} s   "
        f"dead letters {shop.dead_letters:.0f}   event streams {shop.streams:.0f}   "
        f"stream {shop.stream_full:.1%} full"
    )
    titles = (
        f"{'process':<15}{'cpu':>6}{'MiB':>6}{'req/s':>8}{'5xx/s':>7}{'heard/s':>9}{'said/s':>8}"
        f"{'outbox':>8}{'stream':>8}{'queue':>8}{'handler':>9}{'waiting':>9}{'oldest':>8}{'pool':>7}{'late':>7}"
    )
    return [head, state, "", titles, *map(_line, seen.processes), "", "times: ms, 95 of 100 are below"]


def _line(each: Row) -> str:
    if not each.answers:
        return f"{each.process:<15}does not answer"
    return (
        f"{each.process:<15}{each.cpu:>6.0%}{each.memory_mib:>6.0f}{each.requests:>8.1f}{each.errors:>7.1f}"
        f"{each.received:>9.1f}{each.said:>8.1f}{_time(each.outbox_ms):>8}{_time(each.stream_ms):>8}"
        f"{_time(each.queue_ms):>8}{_time(each.handler_ms):>9}{each.pending:>9.0f}{each.oldest:>7.1f}s"
        f"{each.pool:>7}{_time(each.late_ms):>7}"
    )


def _time(milliseconds: float | None) -> str:
    if milliseconds is None:
        return "-"
    return ">60000" if math.isinf(milliseconds) else f"{milliseconds:g}"


def ports(stack: Stack) -> dict[str, int]:
    """Of every service that was started. Raises NotRunning."""
    processes = stack.as_running().processes()
    if not processes:
        raise NotRunning("nothing is running; ./just up starts it")
    return {
        name: int(str(each["port"]))
        for name, each in processes.items()
        if name.rpartition("-")[0] in SERVICES or name in SERVICES
    }


def watch(every: float, *, once: bool, as_json: bool) -> None:
    asked = ports(Stack.from_environment())
    before, since = ask_all(asked), time.monotonic()
    while True:
        time.sleep(every)
        after, now = ask_all(asked), time.monotonic()
        seen = view(before, after, now - since)
        if as_json:
            print(json.dumps(asdict(seen)).replace("Infinity", "null"), flush=True)
        else:
            print(*([] if once else [CLEAR]), *lines(seen), sep="\n", flush=True)
        if once:
            return
        before, since = after, now


def main() -> int:
    parser = argparse.ArgumentParser(prog="just top", description=__doc__)
    parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS", help="between two looks (2)")
    parser.add_argument("--once", action="store_true", help="look over one interval, and end")
    parser.add_argument("--json", action="store_true", help="for programs")
    given = parser.parse_args()
    try:
        watch(given.every, once=given.once, as_json=given.json)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except (KeyboardInterrupt, BrokenPipeError):
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
