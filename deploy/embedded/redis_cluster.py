"""Six Redis servers become a cluster: three share the keys, three follow one of them each."""

import time
from collections.abc import Callable

from redis import Redis
from redis.exceptions import RedisError

from deploy.embedded.errors import NotReady
from deploy.embedded.layout import Layout
from deploy.privileges.redis import CLUSTER

SLOTS = 16_384
TIMEOUT = 30.0
GLANCE = 0.05


def form(layout: Layout, password: str) -> None:
    """What `redis-cli --cluster create` would do. Return when every node agrees and every replica follows."""
    names = layout.nodes.names("redis")
    nodes = [connect(layout.port(name), password) for name in names]
    try:
        for epoch, node in enumerate(nodes, start=1):
            ask(node, "CLUSTER SET-CONFIG-EPOCH", epoch)
        for name in names[1:]:
            ask(nodes[0], "CLUSTER MEET", "127.0.0.1", layout.port(name), layout.port(f"{name}_bus"))
        await_all(nodes, lambda node: len(acquaintances(node)) == len(nodes))
        split(nodes)
        await_all(nodes, agrees)
    finally:
        for node in nodes:
            node.close()


def split(nodes: list[Redis]) -> None:
    """The first half takes the slots, the second follows."""
    half = len(nodes) // 2
    for number, (master, replica) in enumerate(zip(nodes[:half], nodes[half:], strict=True)):
        first, last = SLOTS * number // half, SLOTS * (number + 1) // half - 1
        ask(master, "CLUSTER ADDSLOTSRANGE", first, last)
        ask(replica, "CLUSTER REPLICATE", ask(master, "CLUSTER MYID"))


def acquaintances(node: Redis) -> list[str]:
    """The lines of `CLUSTER NODES` about nodes whose name is known."""
    lines = ask(node, "CLUSTER NODES").splitlines()
    return [line for line in lines if "handshake" not in line]


def agrees(node: Redis) -> bool:
    """It sees all slots served, knows the replicas, and if it is one, has what its master has."""
    replicas = [line for line in acquaintances(node) if "slave" in line]
    return (
        "cluster_state:ok" in ask(node, "CLUSTER INFO")
        and len(replicas) == len(acquaintances(node)) // 2
        and "master_link_status:down" not in ask(node, "INFO")
        and shared(node) == SLOTS
    )


def shared(node: Redis) -> int:
    """Slots that it tells to clients: a little later than it knows of them itself."""
    shares = node.execute_command("CLUSTER SLOTS")  # type: ignore[no-untyped-call]  # redis-py
    return sum(last - first + 1 for first, last, *_ in shares)


def connect(port: int, password: str) -> Redis:
    """Its answers stay as they are: redis-py would make something else of them."""
    node = Redis(port=port, username=CLUSTER, password=password, socket_timeout=5)
    node.response_callbacks.clear()
    return node


def ask(node: Redis, *command: str | int) -> str:
    """One command."""
    answer: bytes = node.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py
    return answer.decode()


def await_all(nodes: list[Redis], question: Callable[[Redis], bool]) -> None:
    """Ask until all say yes."""
    deadline = time.monotonic() + TIMEOUT
    for node in nodes:
        while not answers(node, question):
            if time.monotonic() > deadline:
                raise NotReady(f"the Redis nodes form no cluster: {ask(node, 'CLUSTER NODES')}")
            time.sleep(GLANCE)


def answers(node: Redis, question: Callable[[Redis], bool]) -> bool:
    """A node that is busy becoming part of a cluster may refuse to answer."""
    try:
        return question(node)
    except RedisError:
        return False
