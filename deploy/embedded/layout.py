"""Where everything is: ports counted from one base, files under one home."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from deploy.embedded.errors import Misconfigured
from deploy.embedded.nodes import CLUSTER, Nodes

ROOT = Path(__file__).resolve().parents[2]

SERVICES = ("account", "product", "order", "payment", "purchase", "orchestrator", "media", "mail")
WITH_DATABASE = ("account", "product", "order", "payment", "purchase", "media", "mail")

OFFSETS = {
    "edge": 0,
    "postgres": 1,
    "nats": 2,
    "nats_monitor": 3,
    "redis": 4,
    "smtp": 5,
    "mail_api": 6,
    "psp": 7,
    "traefik_api": 8,
    "s3": 9,
    "s3_grpc": 28,
    "s3_master": 29,
    "prometheus": 75,
    "otlp": 76,
    "otlp_grpc": 77,
    "s3_admin_grpc": 85,
    "audit": 93,
    "s3_master_grpc": 94,
    "s3_volume": 95,
    "s3_volume_grpc": 96,
    "s3_filer": 97,
    "s3_filer_grpc": 98,
    "s3_admin": 99,
}
CLUSTER_OFFSETS = {
    name: offset
    for offset, name in enumerate(
        [
            *("nats-2", "nats-2_monitor", "nats-3", "nats-3_monitor"),
            *("nats_routes", "nats-2_routes", "nats-3_routes"),
            *("redis-2", "redis-3", "redis-4", "redis-5", "redis-6"),
            *("redis_bus", "redis-2_bus", "redis-3_bus", "redis-4_bus", "redis-5_bus", "redis-6_bus"),
        ],
        start=10,
    )
}
"""Listened on only where `Nodes` says so."""
FIRST_SERVICE, MOST_REPLICAS = 30, 8
FEWER_REPLICAS = {"orchestrator": 5, "media": 7, "mail": 7}
"""The object store needs one port more than there are, the auditor another, and who observes three."""
OBSERVING = ("prometheus", "otlp", "otlp_grpc")
OPTIONAL = ("audit", *OBSERVING)
"""Listened on by whoever wants to: no reason not to start."""
SPAN = 100


@dataclass(frozen=True)
class Layout:
    """The addresses of one stack; two of them with different homes and bases do not meet."""

    home: Path
    base: int
    nodes: Nodes = field(default_factory=Nodes)

    def __post_init__(self) -> None:
        """Refuse early what a configuration file could not carry."""
        if not 1024 <= self.base <= 65535 - SPAN:
            raise Misconfigured(f"SHOP_PORT_BASE={self.base} must be between 1024 and {65535 - SPAN}")
        if re.search(r"[\"'\\;#%$,\n]", str(self.home)):
            raise Misconfigured(f"SHOP_HOME={self.home} holds a character the servers' files cannot carry")

    def port(self, name: str) -> int:
        """The port of a server, by the names of `OFFSETS` and `CLUSTER_OFFSETS`."""
        return self.base + (OFFSETS | CLUSTER_OFFSETS)[name]

    @property
    def fixed_ports(self) -> dict[str, int]:
        """Every port that does not belong to a service."""
        extra = {
            name
            for server in CLUSTER
            for node in self.nodes.names(server)
            for name in CLUSTER_OFFSETS
            if getattr(self.nodes, server) > 1 and name.split("_")[0] == node
        }
        return {name: self.port(name) for name in [*OFFSETS, *sorted(extra)]}

    def service_port(self, service: str, replica: int = 1) -> int:
        """The port of a service's replica, counted from 1."""
        return self.base + FIRST_SERVICE + MOST_REPLICAS * SERVICES.index(service) + replica - 1

    def address(self, name: str) -> str:
        """Where a server listens, as host:port."""
        return f"127.0.0.1:{self.port(name)}"

    def private(self, *parts: str) -> Path:
        """A folder of the home that only its user may enter, made when missing."""
        folder = self.home.joinpath(*parts)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        except OSError as error:
            why = f"{folder} cannot be used: {error.strerror}"
            raise Misconfigured(f"{why}; SHOP_HOME names another folder") from error
        return folder

    def log(self, process: str) -> Path:
        """The newest log file of a process."""
        return self.home / "logs" / f"{process}.log"

    def settings(self, process: str) -> Path:
        """The settings file of a process."""
        return self.home / "settings" / f"{process}.toml"


def most_replicas(service: str) -> int:
    """As many as have a port."""
    return FEWER_REPLICAS.get(service, MOST_REPLICAS)


def write_private(path: Path, text: str) -> Path:
    """Write a file that only its user can read, in one step, so that no reader meets half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
    return path
