"""`up` and `down` for people: progress while it starts, addresses when it stands, a clean end."""

import signal
import sys
import threading
import time
from types import FrameType

from deploy.embedded import observing
from deploy.embedded.errors import AlreadyRunning
from deploy.embedded.stack import Stack

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def progress(what: str, seconds: float) -> None:
    """One line for each thing that is ready."""
    print(f"  {what:<14} ready after {seconds:5.2f} s", flush=True)


def detached(stack: Stack, *, bare: bool) -> int:
    """Start and leave it running; when it runs already, that is what was wanted."""
    try:
        start(stack, bare=bare, tied=False)
    except AlreadyRunning as running:
        print(
            f"{running}; ./just down stops it, ./just status shows it",
            file=sys.stdout if running.same else sys.stderr,
        )
        return 0 if running.same else 1
    print("\n./just status shows it, ./just down stops it.")
    return 0


def attached(stack: Stack, *, bare: bool) -> int:
    """Start, stay, and stop everything at Ctrl-C, SIGTERM or SIGHUP, or when this process is killed."""
    asked = threading.Event()

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            return  # already stopping: a second Ctrl-C must not leave half of it behind
        asked.set()
        raise KeyboardInterrupt

    for each in SIGNALS:
        signal.signal(each, interrupt)
    try:
        start(stack, bare=bare, tied=True)
        print("\nCtrl-C stops everything.", flush=True)
        return watch(stack)
    except KeyboardInterrupt:
        asked.set()
        return down(stack)


def watch(stack: Stack) -> int:
    """Stay as long as it stays; `down` may end it, and a supervisor that dies takes the rest with it."""
    while stack.is_running:
        time.sleep(1)
    orphans = stack.stop()
    print(
        "the supervisor died; everything else is stopped too" if orphans else "the stack was stopped",
        flush=True,
    )
    return 1 if orphans else 0


def start(stack: Stack, *, bare: bool, tied: bool) -> None:
    """Start with progress, then say where things are."""
    print(f"Starting in {stack.home}", flush=True)
    began = time.monotonic()
    stack.start(bare=bare, tied=tied, report=progress)
    print(f"Ready after {time.monotonic() - began:.1f} s\n", flush=True)
    for name, url in addresses(stack, bare=bare):
        print(f"  {name:<14} {url}", flush=True)
    if stack.observe and (line := observing.missing()):
        print(f"\n{line}", flush=True)


def addresses(stack: Stack, *, bare: bool) -> list[tuple[str, str]]:
    """What one would open in a browser."""
    whole = [("shop", stack.url("edge")), ("api pages", stack.url("edge") + "/docs")]
    observers = observing.addresses(stack.layout) if stack.observe else []
    servers = [*observers, ("mail", stack.url("mail_api")), ("broker", stack.url("nats_monitor"))]
    return servers if bare else [*whole, *servers, ("edge", stack.url("traefik_api") + "/dashboard/")]


def down(stack: Stack) -> int:
    """Stop everything; nothing to stop is fine."""
    began = time.monotonic()
    ended = stack.stop()
    done = (
        f"stopped {len(ended)} processes in {time.monotonic() - began:.1f} s"
        if ended
        else "nothing was running"
    )
    print(done, flush=True)
    return 0
