"""The shop's own programs: which exist, how many of each, and the settings file each is started with."""

import json
import sys
from collections.abc import Mapping
from typing import Literal

from deploy.embedded import nats, redis
from deploy.embedded.errors import Misconfigured
from deploy.embedded.layout import ROOT, SERVICES, WITH_DATABASE, Layout, most_replicas, write_private
from deploy.embedded.passwords import Passwords, signing_key
from deploy.embedded.postgres import Postgres
from deploy.embedded.probes import Answers, Lives
from deploy.embedded.program import Milestone, Program
from deploy.privileges.nats import PROVISIONER
from deploy.privileges.redis import SERVICES as WITH_REDIS
from deploy.privileges.s3 import MEDIA

TRIES_PER_ADDRESS = 10_000
"""A hundred times as many as elsewhere: all clients of this stack have one address."""

POOL_SIZE = 2
"""Connections of a process: as many as two processors keep busy. A third in each added nothing to the
purchases per second, and 27 MiB to the memory."""

Replicas = Mapping[str, int]
Toml = Mapping[str, object]

OWN_SETTINGS = {
    *("SERVICE", "HOST", "PORT", "PUBLIC_URL", "SETTINGS_FILE"),
    *("DATABASE_URL", "DATABASE_OWNER_URL", "NATS_URL", "REDIS_URL", "JWKS_URL", "PSP_URL"),
    *("REDIS_CLUSTER", "STREAM_REPLICAS"),
    *("SIGNING_KEY_FILE", "LEDGER_FILE", "SMTP_HOST", "SMTP_PORT"),
    *("S3_ADDRESS", "S3_USER", "S3_PASSWORD", "S3_PUBLIC_URL", "PICTURES_URL", "UPLOAD_FOLDER"),
}
"""What the stack decides per process: a stray PORT of the caller must not reach them all."""


def replicas_of(text: str) -> dict[str, int]:
    """Read `order=2,purchase=3`."""
    counts: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, count = part.partition("=")
        most = most_replicas(name)
        if name not in SERVICES or not count.isdigit() or not 1 <= int(count) <= most:
            raise Misconfigured(f"SHOP_REPLICAS: {part} must be a service and 1..{most}, as in order=2")
        counts[name] = int(count)
    return counts


def present() -> list[str]:
    """The services that can be run."""
    return [service for service in SERVICES if runs(service)]


def runs(module: str) -> bool:
    """Whether a module can be started with `python -m`."""
    path = ROOT.joinpath(*module.split("."))
    return path.with_suffix(".py").exists() or (path / "__main__.py").exists()


def ports(layout: Layout, replicas: Replicas) -> dict[str, list[int]]:
    """Every replica's port, by service."""
    return {
        service: [layout.service_port(service, number + 1) for number in range(replicas.get(service, 1))]
        for service in present()
    }


def programs(layout: Layout, passwords: Passwords, replicas: Replicas) -> list[Program]:
    """Write the settings files and say how to run the services, the provider and the provisioner."""
    known = [
        service_program(layout, passwords, service, number, port)
        for service, numbers in ports(layout, replicas).items()
        for number, port in enumerate(numbers, start=1)
    ]
    return [*psp(layout), *provisioner(layout, passwords), *known]


def service_program(layout: Layout, passwords: Passwords, service: str, number: int, port: int) -> Program:
    """One replica; the second of order is `order-2`."""
    name = service if number == 1 else f"{service}-{number}"
    write_toml(layout, name, service_settings(layout, passwords, service, port))
    after: Milestone = "databases" if service in WITH_DATABASE else "start"
    return module_program(layout, name, service, Answers(port, "/readyz"), port, after)


def service_settings(layout: Layout, passwords: Passwords, service: str, port: int) -> Toml:
    """What a service cannot know by itself, and no more than it needs."""
    settings: dict[str, object] = {
        "service": service,
        "host": "127.0.0.1",
        "port": port,
        "public_url": public_url(layout),
        "nats_url": nats.url(layout, passwords, service),
        "jwks_url": f"http://127.0.0.1:{layout.service_port('account')}/api/v1/account/jwks",
    }
    if service in WITH_DATABASE:
        settings |= {
            "database_url": Postgres(layout, passwords).nearest_url(service, "runtime"),
            "pool_size": POOL_SIZE,
        }
    if service in WITH_REDIS:
        settings |= {
            "redis_url": redis.url(layout, passwords, service),
            "redis_cluster": redis.is_cluster(layout),
        }
    if service == "account":
        settings["signing_key_file"] = str(signing_key(layout))
        settings["tries_per_address"] = TRIES_PER_ADDRESS
    if service == "payment":
        settings["psp_url"] = f"http://{layout.address('psp')}"
    if service == "purchase":
        settings["mail_page_url"] = f"http://localhost:{layout.port('mail_api')}"
        settings["pictures_url"] = pictures_url(layout)
    if service == "media":
        settings |= {
            "s3_address": layout.address("s3"),
            "s3_password": passwords.at_s3(MEDIA),
            "s3_public_url": pictures_url(layout),
            "upload_folder": str(layout.private("uploads")),
        }
    if service == "mail":
        settings |= {"smtp_host": "127.0.0.1", "smtp_port": layout.port("smtp")}
    return settings


def psp(layout: Layout) -> list[Program]:
    """The simulated payment provider: a server of somebody else's, so it outlives the services' stop."""
    if not runs("deploy.psp"):
        return []
    port = layout.port("psp")
    settings = {"host": "127.0.0.1", "port": port, "public_url": public_url(layout)}
    write_toml(layout, "psp", settings | {"ledger_file": str(layout.private("psp") / "ledger.jsonl")})
    return [module_program(layout, "psp", "deploy.psp", Answers(port, "/livez"), port, group="servers")]


def provisioner(layout: Layout, passwords: Passwords) -> list[Program]:
    """Keeps the stream and its consumers as the topology says."""
    module = "common.messaging.provisioner"
    if not runs(module):
        return []
    settings = {"nats_url": nats.url(layout, passwords, PROVISIONER), "stream_replicas": layout.nodes.nats}
    write_toml(layout, PROVISIONER, settings)
    return [module_program(layout, PROVISIONER, module, Lives(), after="nats")]


def smtp(layout: Layout) -> Program:
    """The mail catcher: SMTP on one port, MailHog's API and a page on another."""
    port, page = layout.port("smtp"), layout.port("mail_api")
    write_toml(layout, "smtp", {"host": "127.0.0.1", "port": page, "smtp_port": port})
    module = "deploy.embedded.mailcatcher"
    return module_program(layout, "smtp", module, Answers(page, "/livez"), port, group="servers")


def module_program(
    layout: Layout,
    name: str,
    module: str,
    ready: Answers | Lives,
    port: int | None = None,
    after: Milestone = "start",
    group: Literal["servers", "services"] = "services",
) -> Program:
    """A Python module of this repository, run by this environment's Python."""
    environment = {"SETTINGS_FILE": str(layout.settings(name))}
    command = (sys.executable, "-m", module)
    return Program(name, command, group, ready, port, after, environment=environment)


def write_migration_settings(layout: Layout, passwords: Passwords) -> None:
    """The owners' DSNs stand in a file of their own, which no service reads."""
    postgres = Postgres(layout, passwords)
    known = [service for service in WITH_DATABASE if runs(service)]
    owners = {service: postgres.url(service, "owner") for service in known}
    layout.private("settings")
    write_private(layout.settings("migrate"), "[databases]\n" + toml(owners))


def write_toml(layout: Layout, process: str, settings: Toml) -> None:
    """Write a process's settings file."""
    layout.private("settings")
    write_private(layout.settings(process), toml(settings))


def toml(settings: Toml) -> str:
    """Strings, numbers, yes and no: JSON spells them as TOML does."""
    return "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in settings.items())


def pictures_url(layout: Layout) -> str:
    """The object store, as browsers know it: another origin than the shop."""
    return f"http://localhost:{layout.port('s3')}"


def public_url(layout: Layout) -> str:
    """The edge, as messages and links name it."""
    return f"http://localhost:{layout.port('edge')}"
