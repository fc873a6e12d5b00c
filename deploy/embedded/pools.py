"""Do the pools of all processes fit into one Postgres? Asked before anything starts, when all are known."""

from collections.abc import Iterable, Mapping

import msgspec

from common.postgres.room import connections
from common.settings import DatabaseSettings
from deploy.embedded.errors import Misconfigured
from deploy.embedded.layout import WITH_DATABASE
from deploy.embedded.roles import RUNTIME_CONNECTIONS
from deploy.embedded.services import present

SPARE = 10
"""For superusers (Postgres reserves three), migrations beside running services, and whoever looks in."""


def pool_size(environment: Mapping[str, str]) -> int:
    """What every process will be told, or its default."""
    fields = {field.name: field for field in msgspec.structs.fields(DatabaseSettings)}
    given = environment.get("POOL_SIZE") or str(fields["pool_size"].default)
    if not given.isdigit() or given == "0":
        raise Misconfigured(f"POOL_SIZE={given} must be a number from 1 on")
    return int(given)


def demand(pools: Iterable[int]) -> int:
    """Connections that processes with these pools open at most, all together."""
    return sum(map(connections, pools))


def require_room(replicas: Mapping[str, int], environment: Mapping[str, str], most: int) -> str:
    """Refuse, naming what to lower; answer what was found."""
    size = pool_size(environment)
    counts = [replicas.get(service, 1) for service in present() if service in WITH_DATABASE]
    require_room_of_role(max(counts), size)
    processes = sum(counts)
    wanted = demand([size] * processes)
    found = f"{processes} processes with POOL_SIZE={size} open {wanted} of {most - SPARE} connections"
    if wanted > most - SPARE:
        lower = (most - SPARE) // processes - connections(0)
        raise Misconfigured(f"{found}: lower POOL_SIZE to {lower}, or SHOP_REPLICAS")
    return found


def require_room_of_role(replicas: int, size: int) -> None:
    """All replicas of a service share its role, which may open only so many."""
    wanted = demand([size] * replicas)
    if wanted > RUNTIME_CONNECTIONS:
        lower = RUNTIME_CONNECTIONS // replicas - connections(0)
        raise Misconfigured(
            f"{replicas} processes of one service with POOL_SIZE={size} open {wanted} of the "
            f"{RUNTIME_CONNECTIONS} connections of its role: lower POOL_SIZE to {lower}, or SHOP_REPLICAS"
        )
