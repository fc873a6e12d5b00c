"""`services`: who answers over NATS, how it is and what it was asked; as `nats micro ls` and `stats` do."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import msgspec

from common.messaging.answers import QUEUE
from common.messaging.broker import broker
from common.messaging.requests import Requests
from common.messaging.services import CONTROL, Statistics
from deploy.embedded import nats
from deploy.embedded.errors import NotRunning
from deploy.embedded.layout import SERVICES
from deploy.embedded.stack import Stack
from deploy.privileges.nats import OPERATOR

PATIENCE = 1.0
HEALTH_PATIENCE = 3.0
"""A probe of a dependency that is away takes two seconds."""


class _Health(msgspec.Struct):
    id: str
    status: str


@dataclass(frozen=True)
class Replica:
    """One process; of one that does not answer, only the name is known."""

    process: str
    version: str = "-"
    role: str = "-"
    health: str = "no answer"
    up_seconds: int = 0
    asked: int = 0
    failed: int = 0
    mean_ms: float = 0.0


async def answered(url: str) -> list[tuple[Statistics, str]]:
    """Every replica that says something, with its own word about its health."""
    async with broker(url, OPERATOR) as connection:
        try:
            async with asyncio.timeout(HEALTH_PATIENCE):
                await connection.ready()
        except TimeoutError:
            raise NotRunning("the broker does not answer; is the stack up?") from None
        requests = Requests(connection)
        told = await requests.survey(f"{CONTROL}.STATS", timeout=PATIENCE)
        replicas = [msgspec.json.decode(each, type=Statistics) for each in told]
        counted = Counter(replica.name for replica in replicas)
        told_health = await asyncio.gather(
            *(
                requests.survey(f"{service}.health", timeout=HEALTH_PATIENCE, enough=count)
                for service, count in counted.items()
            )
        )
    reports = [msgspec.json.decode(each, type=_Health) for of_one in told_health for each in of_one]
    health = {report.id: report.status for report in reports}
    return [(replica, health.get(replica.id, "no answer")) for replica in replicas]


def as_replica(process: str, told: Statistics, health: str) -> Replica:
    questions = [each for each in told.endpoints if each.queue_group == QUEUE]
    asked = sum(each.num_requests for each in questions)
    spent = sum(each.processing_time for each in questions)
    return Replica(
        process=process,
        version=told.version,
        role=told.metadata.get("role", "-"),
        health=health,
        up_seconds=int((datetime.now(UTC) - told.started).total_seconds()),
        asked=asked,
        failed=sum(each.num_errors for each in questions),
        mean_ms=round(spent / asked / 1e6, 2) if asked else 0.0,
    )


def found(stack: Stack) -> list[Replica]:
    """The processes that run, told apart by their ports, and whoever else answers."""
    running = stack.as_running()
    processes = running.processes()
    if not processes:
        raise NotRunning("nothing is running; ./just up starts it")
    ports = dict(_ports(processes))
    silent = set(ports.values())
    replicas = []
    for told, health in asyncio.run(answered(nats.url(running.layout, running.passwords, OPERATOR))):
        replica = told.metadata.get("replica", "")
        process = ports.get(replica.rpartition(":")[2], f"{told.name} at {replica}")
        silent.discard(process)
        replicas.append(as_replica(process, told, health))
    return sorted([*replicas, *map(Replica, silent)], key=lambda each: each.process)


def show(stack: Stack, *, as_json: bool) -> int:
    """Print it; exit code 1 says that somebody is not well."""
    replicas = found(stack)
    if as_json:
        print(json.dumps([asdict(each) for each in replicas], indent=2))
    else:
        print("  process         version  role    health        up      asked  failed   mean")
        for each in replicas:
            known = f"  {each.process:<15} {each.version:<8} {each.role:<7} {each.health:<11}"
            print(f"{known} {each.up_seconds:>5} s {each.asked:>7} {each.failed:>7} {each.mean_ms:>6.2f} ms")
    return 0 if all(each.health in {"ok", "degraded"} for each in replicas) else 1


def _ports(processes: Mapping[str, Mapping[str, object]]) -> Iterator[tuple[str, str]]:
    for name, process in processes.items():
        if name.partition("-")[0] in SERVICES:
            yield str(process["port"]), name
