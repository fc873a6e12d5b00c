"""Where the servers of a home are, and how one gets in."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from deploy.embedded import nats, redis
from deploy.embedded.layout import WITH_DATABASE, Layout
from deploy.embedded.nodes import Nodes
from deploy.embedded.passwords import Passwords
from deploy.embedded.postgres import Postgres
from deploy.privileges.nats import ADMIN


@dataclass(frozen=True)
class Addresses:
    """All of it follows from the home, the ports and the number of nodes; nothing needs to run."""

    home: Path
    port_base: int = 8000
    nodes: Nodes = field(default_factory=Nodes, kw_only=True)

    @cached_property
    def layout(self) -> Layout:
        """Its ports and files."""
        return Layout(self.home, self.port_base, self.nodes)

    @cached_property
    def passwords(self) -> Passwords:
        """Its secrets."""
        return Passwords.kept(self.layout)

    @cached_property
    def postgres(self) -> Postgres:
        """Its database server."""
        return Postgres(self.layout, self.passwords)

    def database_url(self, service: str, role: str = "runtime") -> str:
        """The DSN of a service's runtime or owner role."""
        return self.postgres.url(service, role)

    @property
    def database_urls(self) -> dict[str, str]:
        """The runtime DSN of every service that has a database."""
        return {service: self.database_url(service) for service in WITH_DATABASE}

    @property
    def auditor_urls(self) -> dict[str, str]:
        """The auditor's DSN of every database."""
        return {service: self.postgres.auditor_url(service) for service in WITH_DATABASE}

    @property
    def nats_url(self) -> str:
        """The broker, for whoever may do everything there: tests and repairs."""
        return nats.url(self.layout, self.passwords, ADMIN)

    @property
    def redis_url(self) -> str:
        """Redis, for whoever may do everything there."""
        return redis.url(self.layout, self.passwords, ADMIN)

    def url(self, name: str) -> str:
        """The http address of `edge`, `mail_api`, `nats_monitor`, `psp` or `traefik_api`."""
        return f"http://localhost:{self.layout.port(name)}"
