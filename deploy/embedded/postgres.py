"""Postgres: a cluster made on first use, one superuser nobody else knows, TCP on loopback only.

The services speak to it over a socket in its folder: a round trip costs the kernel a third of one over TCP.
"""

import os
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from common.postgres.rights import AUDITOR
from deploy.embedded import identity
from deploy.embedded.errors import Missing, StackError
from deploy.embedded.executables import postgres_bin
from deploy.embedded.identity import Identity
from deploy.embedded.layout import Layout, write_private
from deploy.embedded.passwords import Passwords
from deploy.embedded.probes import Succeeds
from deploy.embedded.program import Program

OPTIONS = {
    "max_connections": "200",
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "32MB",  # the kernel caches the files as well
    "autovacuum_work_mem": "8MB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "10min",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",  # else it quotes the row that offends
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "unix_socket_permissions": "0700",
}
STOP_SECONDS = 300
"""A stop ends with a checkpoint, which waits for the disk: a second for some thousand files. Killed in it,
the server leaves a process that goes on with it, and while that lives no other starts on these files."""
MOST_BYTES = 104
"""Of a socket's path, with its end, where least is allowed (macOS)."""


@dataclass(frozen=True)
class Postgres:
    """The server of one stack; each service has its database in it."""

    layout: Layout
    passwords: Passwords

    @property
    def data(self) -> Path:
        """The cluster's folder."""
        return self.layout.home / "postgres" / "data"

    @property
    def most(self) -> int:
        """Connections it admits."""
        return int(OPTIONS["max_connections"])

    @property
    def created(self) -> bool:
        """Whether the cluster exists; it appears under its name only when it is whole."""
        return (self.data / "PG_VERSION").exists()

    @property
    def sockets(self) -> Path | None:
        """The folder of its socket; None where no path to it can be spelt."""
        folder = self.layout.home / "postgres" / "socket"
        path = folder / f".s.PGSQL.{self.layout.port('postgres')}.lock"
        fits = len(os.fsencode(path)) < MOST_BYTES and "," not in str(path)
        return folder if fits else None

    @cached_property
    def identity(self) -> Identity:
        """As whom the cluster runs."""
        return identity.remembered(self.data.parent / "identity")

    def create(self) -> None:
        """Make the cluster when it is not there, and have its files belong to whoever runs it."""
        self.data.parent.mkdir(parents=True, exist_ok=True)
        if self.created:
            self.check_owner()
        if not self.created:
            self._initdb()
        elif self.data.stat().st_uid != self.identity.user:
            self.identity.own(self.data)
        (self.data.parent / "identity").write_text(self.identity)
        identity.check_access(self.identity, self.data)
        if self.sockets:
            self.sockets.mkdir(mode=0o700, exist_ok=True)
            self.identity.own(self.sockets)

    def check_owner(self) -> Path:
        """Refuse a cluster that was made by another user; answer where it is."""
        owner = self.data.stat().st_uid
        ours = (0, identity.NOBODY) if os.geteuid() == 0 else (os.geteuid(),)
        if owner not in ours:
            raise Missing(f"{self.data} belongs to user {owner}; SHOP_HOME names another folder")
        return self.data

    def _initdb(self) -> None:
        """Work beside the final place, so that an interrupted initdb is no cluster."""
        fresh = self.data.with_name("fresh")
        subprocess.run(["rm", "-rf", str(fresh)], check=True)
        fresh.mkdir(mode=0o700)
        secret = write_private(self.data.with_name("superuser"), self.passwords.of("postgres"))
        for path in (fresh, secret):
            self.identity.own(path)
        identity.check_access(self.identity, fresh)
        arguments = ["-D", str(fresh), "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={secret}"]
        arguments += ["-E", "UTF8", "--locale=C", "--no-instructions"]
        command = [*self.identity.prefix, str(postgres_bin() / "initdb"), *arguments]
        try:
            made = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
        finally:
            secret.unlink()
        if made.returncode != 0:
            raise Missing(f"initdb failed: {made.stderr.strip() or made.stdout.strip()}")
        fresh.rename(self.data)

    def program(self) -> Program:
        """Say how to run it; SIGINT is its fast and clean stop."""
        binary = postgres_bin()
        port = str(self.layout.port("postgres"))
        wanted = OPTIONS | {"unix_socket_directories": str(self.sockets or "")}
        if preload := os.environ.get("SHOP_POSTGRES_PRELOAD"):
            wanted["shared_preload_libraries"] = preload
        options = [f"--{name}={value}" for name, value in wanted.items()]
        server = (str(binary / "postgres"), "-D", str(self.data), "-h", "127.0.0.1", "-p", port, *options)
        return Program(
            name="postgres",
            command=(*self.identity.prefix, *server),
            group="servers",
            ready=Succeeds((str(binary / "pg_isready"), "-h", "127.0.0.1", "-p", port)),
            port=int(port),
            after="cluster",
            stop_signal="INT",
            stop_seconds=STOP_SECONDS,
            # What a large batch took for a moment, each connection would keep.
            environment={"MALLOC_MMAP_THRESHOLD_": "262144", "MALLOC_TRIM_THRESHOLD_": "262144"},
        )

    def run(self, script: str, database: str = "postgres") -> None:
        """Run a psql script as the superuser; its first error ends it."""
        command = [
            str(postgres_bin() / "psql"),
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            self.superuser_url(database),
        ]
        done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StackError(f"psql: {done.stderr.strip()}")

    def superuser_url(self, database: str) -> str:
        """The superuser's DSN: for roles, databases and tests, never for a service."""
        return self._url("postgres", self.passwords.of("postgres"), database)

    def url(self, service: str, role: str) -> str:
        """The DSN of a service's `owner` or `runtime` role."""
        name = f"{service}_{role}"
        return self._url(name, self.passwords.of(name), service)

    def nearest_url(self, service: str, role: str) -> str:
        """The same over the socket, for whoever runs beside the server and can open its folder."""
        return self.url(service, role).replace(f"@{self.layout.address('postgres')}/", f"@{self.nearest}/")

    @property
    def nearest(self) -> str:
        """The place of the server as a DSN names it: its socket, where there is one."""
        if self.sockets is None:
            return self.layout.address("postgres")
        return f"{quote(str(self.sockets), safe='')}:{self.layout.port('postgres')}"

    def auditor_url(self, service: str) -> str:
        """The DSN of the auditor in a service's database."""
        return self._url(AUDITOR, self.passwords.of(AUDITOR), service)

    def _url(self, user: str, password: str, database: str) -> str:
        return f"postgresql://{user}:{password}@{self.layout.address('postgres')}/{database}"
