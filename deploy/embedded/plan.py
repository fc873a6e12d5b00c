"""What runs: every program of a stack, written down in one place."""

from dataclasses import dataclass
from functools import cached_property

from deploy.embedded import nats, observing, redis, roles, s3, services, traefik
from deploy.embedded.layout import OBSERVING, OPTIONAL, WITH_DATABASE, Layout
from deploy.embedded.passwords import Passwords
from deploy.embedded.postgres import Postgres
from deploy.embedded.program import Program
from deploy.embedded.services import Replicas


@dataclass(frozen=True)
class Plan:
    """Bare: the servers integration tests need. Whole: the provider, the services and the edge too."""

    layout: Layout
    passwords: Passwords
    replicas: Replicas
    nats_sync: str
    bare: bool
    observe: bool = False

    @cached_property
    def postgres(self) -> Postgres:
        """The database server."""
        return Postgres(self.layout, self.passwords)

    @cached_property
    def programs(self) -> list[Program]:
        """Write every program's files and list the programs."""
        services.write_migration_settings(self.layout, self.passwords)
        servers = [
            self.postgres.program(),
            *nats.programs(self.layout, self.passwords, self.nats_sync),
            *redis.programs(self.layout, self.passwords),
            s3.program(self.layout, self.passwords),
            services.smtp(self.layout),
        ]
        if self.bare:
            return servers
        own = services.programs(self.layout, self.passwords, self.replicas)
        ports = services.ports(self.layout, self.replicas)
        observers = observing.programs(self.layout, ports) if self.observe else []
        return [*servers, *observers, traefik.program(self.layout, ports), *own]

    @property
    def ports(self) -> list[tuple[str, int]]:
        """Every port that will be listened on, with its purpose."""
        unused = {*OPTIONAL, *(("edge", "psp", "traefik_api") if self.bare else ())}
        unused -= {*OBSERVING} if self.observe else set()
        fixed = [each for each in self.layout.fixed_ports.items() if each[0] not in unused]
        known = {} if self.bare else services.ports(self.layout, self.replicas)
        return [*fixed, *((name, port) for name, numbers in known.items() for port in numbers)]

    @property
    def roles_script(self) -> str:
        """The psql script for databases and roles."""
        return roles.script(WITH_DATABASE, self.passwords)
