"""`doctor`: is everything there that the stack needs, and what setting helps where it is not."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from deploy.embedded import executables, ports
from deploy.embedded.errors import StackError
from deploy.embedded.stack import Stack

ROOM = 1_000_000_000


def examine(stack: Stack) -> int:
    """Print every finding; exit code 1 when one of them stops the stack."""
    running = stack.is_running
    findings = [
        *programs(stack),
        *postgres_user(stack),
        *home(stack),
        *(() if running else free_ports(stack)),
    ]
    for fine, line in findings:
        print(f"{'ok     ' if fine else 'PROBLEM'} {line}")
    print(f"{'ok     '} the stack is {'running' if running else 'not running'}")
    return 0 if all(fine for fine, _ in findings) else 1


Findings = Iterator[tuple[bool, str]]


def programs(stack: Stack) -> Findings:
    """Python and every server's program."""
    yield sys.version_info >= (3, 11), f"Python {sys.version.split()[0]} (3.11 or newer is needed)"
    wanted: dict[str, Callable[[], Path]] = {
        "Postgres": lambda: executables.postgres_bin() / "postgres",
        "NATS": executables.nats_server,
        "Redis": lambda: executables.redis_server(stack.layout),
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


def home(stack: Stack) -> Findings:
    """Room to write."""
    try:
        stack.layout.private("run")
    except OSError as error:
        yield (
            False,
            f"SHOP_HOME={stack.home} cannot be written: {error.strerror}; SHOP_HOME names another folder",
        )
        return
    free = shutil.disk_usage(stack.home).free
    yield free >= ROOM, f"{free / 1e9:.1f} GB free in {stack.home} (SHOP_HOME names another folder)"


def free_ports(stack: Stack) -> Findings:
    """Every port the stack would listen on."""
    taken = ports.complaints(stack.plan().ports)
    for line in taken:
        yield False, line
    if not taken:
        yield True, f"ports from {stack.port_base} on are free (SHOP_PORT_BASE)"


def attempt(name: str, find: Callable[[], object]) -> tuple[bool, str]:
    """What was found, or what stands in the way."""
    try:
        return True, f"{name}: {find()}"
    except (StackError, OSError) as error:
        return False, f"{name}: {error}"
