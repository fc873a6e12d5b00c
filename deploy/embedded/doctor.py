"""`doctor`: is everything there that the stack needs, and what setting helps where it is not."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from common.files import open_many
from deploy.embedded import executables, leftovers, pools, ports
from deploy.embedded.errors import StackError
from deploy.embedded.stack import Stack

ROOM = 1_000_000_000
STREAMS = 10_000
"""That one purchase process serves with ease."""
SPARE_FILES = 500


Findings = Iterator[tuple[bool, str]]


def examine(stack: Stack) -> int:
    """Print every finding; exit code 1 when one of them stops the stack."""
    sound = True
    for fine, line in findings(stack):
        print(f"{'ok     ' if fine else 'PROBLEM'} {line}", flush=True)
        sound = sound and fine
    return 0 if sound else 1


def findings(stack: Stack) -> Findings:
    """The home comes first: without it nothing else can be looked at."""
    yield sys.version_info >= (3, 11), f"Python {sys.version.split()[0]} (3.11 or newer is needed)"
    usable = attempt("Home", lambda: stack.layout.private("run").parent)
    yield usable
    if not usable[0]:
        return
    yield from programs(stack)
    yield from postgres_user(stack)
    yield room(stack)
    yield attempt("Postgres connections", lambda: connections(stack))
    yield True, files(open_many())
    if stack.is_running:
        yield True, "the stack is running"
    elif orphans := leftovers.marked(stack.home):
        yield False, f"{len(orphans)} processes of a stack that lost its supervisor; ./just down ends them"
    else:
        yield from free_ports(stack)


def programs(stack: Stack) -> Findings:
    """Every server's program."""
    wanted: dict[str, Callable[[], Path]] = {
        "Postgres": lambda: executables.postgres_bin() / "postgres",
        "NATS": executables.nats_server,
        "Redis": lambda: executables.redis_server(stack.layout),
        "Object store": executables.weed,
        "Traefik": executables.traefik,
    }
    for name, find in wanted.items():
        yield attempt(name, find)
    bloom = executables.redis_bloom(stack.layout)
    yield True, f"Redis filters: {bloom or 'no module for this machine, the filter is off'}"


def postgres_user(stack: Stack) -> Findings:
    """Root has to be able to become nobody."""
    yield attempt("Postgres runs as", lambda: stack.postgres.identity.value)
    if stack.postgres.created:
        yield attempt("Postgres data", stack.postgres.check_owner)


def room(stack: Stack) -> tuple[bool, str]:
    """Logs, write-ahead log and streams grow."""
    free = shutil.disk_usage(stack.home).free
    return free >= ROOM, f"{free / 1e9:.1f} GB free in {stack.home} (SHOP_HOME names another folder)"


def connections(stack: Stack) -> str:
    """What all pools together may open."""
    return pools.require_room(stack.replicas, stack.service_environment, stack.postgres.most)


def files(most: int) -> str:
    """Each event stream is one file at the service, and two at the edge."""
    streams = max(0, (most - SPARE_FILES) // 2)
    enough = streams >= STREAMS
    said = f"{most} files may be open: {streams} event streams at the edge"
    return (
        said
        if enough
        else f"{said}; for {STREAMS} raise the hard limit to {2 * STREAMS + SPARE_FILES} (ulimit -Hn)"
    )


def free_ports(stack: Stack) -> Findings:
    """Every port the stack would listen on."""
    taken = ports.complaints(stack.plan().ports)
    for line in taken:
        yield False, f"{line}; {ports.way_out(stack.port_base)}"
    if not taken:
        yield True, f"ports from {stack.port_base} on are free (SHOP_PORT_BASE)"


def attempt(name: str, find: Callable[[], object]) -> tuple[bool, str]:
    """What was found, or what stands in the way."""
    try:
        return True, f"{name}: {find()}"
    except (StackError, OSError) as error:
        return False, f"{name}: {error}"
