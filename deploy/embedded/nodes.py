"""How many servers NATS and Redis are: one each, or a cluster, whose failures can be rehearsed here."""

import os
from dataclasses import dataclass

from deploy.embedded.errors import Misconfigured

CLUSTER = {"nats": 3, "redis": 6}
"""Servers of a cluster: three that vote; three that serve, and a replica of each."""


@dataclass(frozen=True)
class Nodes:
    """The numbers of one stack."""

    nats: int = 1
    redis: int = 1

    @classmethod
    def asked(cls) -> "Nodes":
        """What SHOP_NATS_NODES and SHOP_REDIS_NODES say."""
        return cls(nats=number("SHOP_NATS_NODES", "nats"), redis=number("SHOP_REDIS_NODES", "redis"))

    def names(self, server: str) -> list[str]:
        """The first has the server's name, the second is `nats-2`."""
        count: int = getattr(self, server)
        return [server, *(f"{server}-{number}" for number in range(2, count + 1))]


def number(setting: str, server: str) -> int:
    """One or the cluster; other numbers are no safer than the next smaller of the two."""
    text = os.environ.get(setting) or "1"
    if text not in {"1", str(CLUSTER[server])}:
        raise Misconfigured(f"{setting}={text} must be 1 or {CLUSTER[server]}")
    return int(text)
