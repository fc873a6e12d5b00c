"""The same servers in containers: as compose.yaml describes them, on the ports that a stack would use."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # has no stubs
from docker.errors import DockerException  # type: ignore[import-untyped]  # has no stubs
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient
from testcontainers.core.wait_strategies import ExecWaitStrategy

from deploy.compose import __main__ as job
from deploy.compose.buckets import BucketSettings, admit, make
from deploy.compose.settings import IN_CONTAINERS, SERVICES
from deploy.embedded.layout import ROOT, WITH_DATABASE
from deploy.embedded.passwords import Passwords
from deploy.embedded.roles import script
from deploy.privileges import nats, redis
from media.model import BUCKETS
from tests.servers import OnStack


@dataclass(frozen=True)
class Server:
    """Its service in the compose file, and which port of the container is which of the layout."""

    service: str
    ports: Mapping[int, str]


SERVERS = {
    "postgres": Server("postgres", {5432: "postgres"}),
    "nats": Server("nats", {4222: "nats", 8222: "nats_monitor"}),
    "redis": Server("redis", {6379: "redis"}),
    "s3": Server("minio", {9000: "s3"}),
    "smtp": Server("mailhog", {1025: "smtp", 8025: "mail_api"}),
}
"""By the names that the embedded stack gives their processes."""

SAME = ("cap_drop", "mem_limit", "pids_limit", "security_opt", "shm_size", "stop_signal")
"""What the engine's client calls as the compose file does."""

PATIENCE = 60
STOP_PATIENCE = 300
"""Seconds; compose gives Postgres as many."""


class Containers(OnStack):
    """Postgres, NATS, Redis, MinIO and MailHog."""

    def __init__(self, home: Path) -> None:
        """What is begun is taken away again when something does not start."""
        super().__init__(home)
        self._files = home / "volumes"
        self._known: dict[str, DockerContainer] = {}
        write(self._files, self.stack.passwords)
        try:
            for name in SERVERS:
                self._begin(name)
            for name in SERVERS:
                self._await(name)
            self.stack.postgres.run(script(WITH_DATABASE, self.stack.passwords))
            self._fill()
        except BaseException:
            self.close()
            raise

    def stop_process(self, name: str) -> None:
        """It keeps its disk, its ports and its settings."""
        self._known[name].get_wrapped_container().stop(timeout=STOP_PATIENCE)

    def start_process(self, name: str) -> None:
        self._known[name].get_wrapped_container().start()
        self._await(name)

    def wipe_broker(self) -> None:
        """A container's disk goes with it."""
        self.stop_process("nats")
        self._known.pop("nats").stop()
        self._begin("nats")
        self._await("nats")

    def close(self) -> None:
        while self._known:
            self._known.popitem()[1].stop()

    def _fill(self) -> None:
        """As the job of the compose file does."""
        asked = BucketSettings(
            address=self.s3.address,
            password=self.s3.password,
            media_password=self.s3.media_password,
            buckets=BUCKETS,
        )
        make(asked)
        admit(asked)

    def _begin(self, name: str) -> None:
        server, layout = SERVERS[name], self.stack.layout
        self._launch(name, server.service, {inside: layout.port(at) for inside, at in server.ports.items()})

    def _launch(self, name: str, service: str, ports: Mapping[int, int]) -> None:
        self._known[name] = container(service, self._files, ports)
        self._known[name].start()

    def _await(self, name: str) -> None:
        await_health(self._known[name], SERVERS[name].service)


def container(service: str, files: Path, ports: Mapping[int, int]) -> DockerContainer:
    """Not started yet. What compose keeps in a named volume, this keeps in the container."""
    known = described(service)
    made = DockerContainer(known["image"])
    made.with_envs(**known.get("environment", {}))
    # In a network of its own choice the library would look for the one that this process may be in.
    made.with_kwargs(network="bridge", **{name: known[name] for name in SAME if name in known})
    if "command" in known:
        made.with_command(known["command"])
    for volume in known.get("volumes", []):
        source, target, *_ = volume.split(":")
        if source.startswith("./"):
            made.with_volume_mapping(ROOT / source, target)
        elif source.endswith("-settings"):
            made.with_volume_mapping(files / source.removesuffix("-settings"), target)
    for inside, port in ports.items():
        made.ports[str(inside)] = ("127.0.0.1", port)  # type: ignore[assignment]  # the engine's client takes both
    return made


def await_health(started: DockerContainer, service: str) -> None:
    """Ready is what its health check says, which is asked here as the engine would."""
    kind, *words = described(service)["healthcheck"]["test"]
    words = [word.replace("$$", "$") for word in words]
    command = ["sh", "-c", *words] if kind == "CMD-SHELL" else words
    asked = ExecWaitStrategy(command).with_poll_interval(0.1).with_startup_timeout(PATIENCE)
    try:
        asked.wait_until_ready(started)
    except TimeoutError as error:
        error.add_note(b"".join(started.get_logs()).decode(errors="replace"))
        raise


@cache
def described(service: str) -> dict[str, Any]:
    """From the compose files: for services on the host, with one Redis instead of six."""
    whole, deps = (
        yaml.safe_load((ROOT / file).read_text())["services"]
        for file in ("compose.yaml", "deploy/compose.deps.yaml")
    )
    return {**whole[service], **deps.get(service, {})}


def write(folder: Path, passwords: Passwords) -> None:
    """The files of the containers' volumes; only tests know somebody who may do everything."""
    at_nats = nats.users(SERVICES) | {nats.ADMIN: nats.admin()}
    at_redis = redis.users() | {redis.ADMIN: redis.EVERYTHING}
    own = {
        "nats/users.conf": nats.authorization(at_nats, passwords.at_nats),
        "redis/users.conf": "\n".join(redis.lines(at_redis, passwords.at_redis)) + "\n",
    }
    for file, text in {**job.files(IN_CONTAINERS, passwords), **own}.items():
        job.put(folder / file, text)


def require_engine() -> None:
    """Raises LookupError when none answers, in one line."""
    try:
        DockerClient().client.close()
    except DockerException as error:
        raise LookupError(f"no container engine answers: {error}") from error
