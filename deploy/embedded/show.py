"""`status` and `logs`."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from common.telemetry.logs import told
from deploy.embedded.errors import StackError
from deploy.embedded.stack import Stack
from deploy.embedded.starting import tail

NOTHING_RUNS = 3


def facts(stack: Stack) -> dict[str, object]:
    """Where everything is and what runs: the contract of `status --json`."""
    running = stack.as_running()
    return {
        "edge": running.url("edge"),
        "mail_api": running.url("mail_api"),
        "nats_monitor": running.url("nats_monitor"),
        "home": str(running.home),
        "processes": running.processes(),
        "databases": running.database_urls,
    }


def status(stack: Stack, *, as_json: bool) -> int:
    """Print it; exit code 3 says that nothing runs."""
    known = facts(stack)
    processes = stack.processes()
    if as_json:
        print(json.dumps(known, indent=2))
    elif not processes:
        print("nothing is running; ./just up starts it")
    else:
        for name, each in sorted(processes.items()):
            print(f"  {name:<16} {each['state']:<10} pid {each['pid']!s:<8} port {each['port'] or '-'}")
        print(f"\n  edge {known['edge']}   mail {known['mail_api']}   home {known['home']}")
    return 0 if processes else NOTHING_RUNS


def logs(stack: Stack, process: str | None, lines: int, *, follow: bool) -> int:
    """Print the end of a log; without a name, the names there are."""
    folder = stack.home / "logs"
    names = sorted(path.stem for path in folder.glob("*.log"))
    if process is None:
        print("\n".join(names))
        return 0
    if process not in names:
        raise StackError(f"no log of {process}; there are: {', '.join(names) or 'none yet'}")
    said = told if sys.stdout.isatty() else str  # programs get it as it was written
    print(tail(stack.layout, process, lines, indent="", said=said), flush=True)
    if follow:
        follow_file(stack.layout.log(process), said)
    return 0


def follow_file(path: Path, said: Callable[[str], str]) -> None:
    """Print what is added until interrupted; a rotated file is opened anew."""
    position, identity, cut = path.stat().st_size, path.stat().st_ino, b""
    while True:
        time.sleep(0.2)
        if not path.exists():
            continue
        now = path.stat()
        if now.st_ino != identity or now.st_size < position:
            position, identity, cut = 0, now.st_ino, b""
        with path.open("rb") as log:
            log.seek(position)
            added = log.read()
        position += len(added)
        *whole, cut = (cut + added).split(b"\n")
        for line in whole:
            print(said(line.decode("utf-8", "replace")), flush=True)
