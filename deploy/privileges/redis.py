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
    keys: str = ""
    channels: str = ""


SERVICES: Mapping[str, Rights] = {
    "account": Rights(
        commands=("incrby", "decrby", "expire", "pttl", "exists", "set", "del", *CLIENT, *IN_CLUSTER),
        keys="limits:*",
    ),
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

EVERYTHING = Rights(("@all",), keys="*", channels="*")
"""For tests, and for whoever repairs. No process has its password."""


def users() -> dict[str, Rights]:
    """Every user of a shop."""
    return {**SERVICES, **SERVERS}


def lines(known: Mapping[str, Rights], password: Callable[[str], str]) -> list[str]:
    """Of a server's file. Whoever brings no name is nobody; passwords are kept as hashes."""
    replica = f"masteruser {REPLICA}", f"masterauth {password(REPLICA)}"
    return ["user default off", *(_line(user, password(user), of) for user, of in known.items()), *replica]


def _line(user: str, password: str, rights: Rights) -> str:
    words = ["user", user, "reset", "on", f"#{hashlib.sha256(password.encode()).hexdigest()}", "-@all"]
    words += [f"+{command}" for command in rights.commands]
    words += [f"~{rights.keys}"] if rights.keys else []
    words += [f"&{rights.channels}"] if rights.channels else []
    return " ".join(words)
