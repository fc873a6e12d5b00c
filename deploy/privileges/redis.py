"""Who may what at Redis: each service the commands it uses, on its own keys and channels."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

CLIENT = ("client|setinfo", "ping")
"""What the client library says by itself, and what a probe asks."""

IN_CLUSTER = ("cluster|slots", "command")
"""How it finds the nodes."""

HEALTH, CLUSTER, REPLICA, ADMIN = "health", "cluster", "replica", "admin"


@dataclass(frozen=True)
class Rights:
    """Every command, key and channel that is not named is refused."""

    commands: tuple[str, ...]
    keys: tuple[str, ...] = ()
    channels: str = ""
    of_module: tuple[str, ...] = ()
    """Commands that a server knows only with the Bloom module."""


LIMITS = ("incrby", "decrby", "expire", "pttl", "exists", "set", "del")
ANSWERS = ("get", "set", "pttl", "zrange")
"""Of a cache, for what never changes again."""
CHANGES = ("zadd", "pexpire", "publish", "subscribe", "unsubscribe")
"""For what does: fences, and the bell that tells of them."""
FILTERS = ("cf.reserve", "cf.insertnx", "cf.mexists", "bf.reserve", "bf.insert", "bf.mexists")

SERVICES: Mapping[str, Rights] = {
    "account": Rights(
        commands=(*dict.fromkeys((*LIMITS, *ANSWERS, *CHANGES)), *CLIENT, *IN_CLUSTER),
        keys=("limits:*", "account:*"),
        channels="account:*",
    ),
    "product": Rights(
        commands=(*ANSWERS, *CHANGES, "del", *CLIENT, *IN_CLUSTER),
        keys=("product:*",),
        channels="product:*",
        of_module=FILTERS,
    ),
    "order": Rights(commands=(*ANSWERS, *CLIENT, *IN_CLUSTER), keys=("order:*",)),
    "payment": Rights(commands=(*ANSWERS, *CLIENT, *IN_CLUSTER), keys=("payment:*",)),
    "purchase": Rights(
        commands=("publish", "subscribe", "unsubscribe", *CLIENT, *IN_CLUSTER),
        channels="purchase:*",
    ),
}
"""The services that use Redis; a prefix is one service's alone."""

SERVERS: Mapping[str, Rights] = {
    HEALTH: Rights(("ping",)),
    CLUSTER: Rights(("cluster", "info", "role", "ping")),
    REPLICA: Rights(("psync", "replconf", "ping")),
}
"""Who asks whether one answers, who introduces the nodes to each other, and who follows a master."""

EVERYTHING = Rights(("@all",), keys=("*",), channels="*")
"""For tests, and for whoever repairs. No process has its password."""


def users() -> dict[str, Rights]:
    """Every user of a shop."""
    return {**SERVICES, **SERVERS}


def lines(
    known: Mapping[str, Rights], password: Callable[[str], str], *, has_module: bool = True
) -> list[str]:
    """Of a server's file. Whoever brings no name is nobody; passwords are kept as hashes.

    A server does not start with a right to a command that it has not.
    """
    replica = f"masteruser {REPLICA}", f"masterauth {password(REPLICA)}"
    lines = [_line(user, password(user), rights, has_module) for user, rights in known.items()]
    return ["user default off", *lines, *replica]


def _line(user: str, password: str, rights: Rights, has_module: bool) -> str:
    words = ["user", user, "reset", "on", f"#{hashlib.sha256(password.encode()).hexdigest()}", "-@all"]
    words += [f"+{command}" for command in rights.commands]
    words += [f"+{command}" for command in rights.of_module if has_module]
    words += [f"~{keys}" for keys in rights.keys]
    words += [f"&{rights.channels}"] if rights.channels else []
    return " ".join(words)
