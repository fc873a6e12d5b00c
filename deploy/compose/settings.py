"""What a service cannot know by itself: addresses and passwords, among containers or on the host."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from common.postgres.rights import AUDITOR
from deploy.embedded.layout import WITH_DATABASE
from deploy.embedded.passwords import Passwords
from deploy.privileges.nats import PROVISIONER, VIEWER
from deploy.privileges.redis import SERVICES as WITH_REDIS
from deploy.privileges.s3 import ADMIN, MEDIA
from media.model import BUCKETS

SERVICES = ("account", "product", "order", "payment", "purchase", "orchestrator", "media", "mail")
"""All of those with a database in `WITH_DATABASE` get their URL."""

PORT = 8000
"""Of every service in its container."""

NATS_NODES = ("nats", "nats-2", "nats-3")
REDIS_NODES = ("redis", "redis-2", "redis-3", "redis-4", "redis-5", "redis-6")
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8")
"""Where the edge's address is; from outside of these nobody reaches a service past it."""

Toml = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where everything is (host:port), as one of the services sees it."""

    listen: str
    ports: Mapping[str, int]
    """Every service's own."""
    keys: str
    """The folder with the signing key."""
    public_url: str
    account: str
    postgres: str
    nats: tuple[str, ...]
    redis: tuple[str, ...]
    psp: str
    smtp: str
    minio: str
    minio_page: str
    """The same as browsers know it."""
    uploads: str | None
    """Where they lie until they are checked."""
    mail_page: str


IN_CONTAINERS = Addresses(
    listen="0.0.0.0",  # noqa: S104  # the container's own network
    ports=dict.fromkeys(SERVICES, PORT),
    keys="/settings",
    public_url="http://localhost",
    account=f"account:{PORT}",
    postgres="postgres:5432",
    nats=("nats:4222",),
    redis=tuple(f"{node}:6379" for node in REDIS_NODES),
    psp=f"psp:{PORT}",
    smtp="mailhog:1025",
    minio="minio:9000",
    minio_page="http://localhost:9000",
    uploads="/data",
    mail_page="http://localhost:8025",
)


def of_service(service: str, at: Addresses, passwords: Passwords) -> Toml:
    """No more than it needs."""
    known: Toml = {
        "service": service,
        "host": at.listen,
        "port": at.ports[service],
        "public_url": at.public_url,
        "nats_url": nats_url(service, at, passwords),
    }
    if service in WITH_DATABASE:
        known["database_url"] = database_url(service, "runtime", at, passwords)
    if service not in {"account", "orchestrator", "mail"}:
        known["jwks_url"] = f"http://{at.account}/api/v1/account/jwks"
    if service in WITH_REDIS:
        known |= redis(service, at, passwords)
    return known | own(service, at, passwords)


def own(service: str, at: Addresses, passwords: Passwords) -> Toml:
    """What only this one has."""
    match service:
        case "account":
            return {
                "signing_key_file": f"{at.keys}/signing_key.pem",
                "trusted_proxies": list(PRIVATE),
            }
        case "payment":
            return {"psp_url": f"http://{at.psp}"}
        case "purchase":
            return {"mail_page_url": at.mail_page, "pictures_url": at.minio_page}
        case "media":
            known: Toml = {
                "s3_address": at.minio,
                "s3_password": passwords.at_s3(MEDIA),
                "s3_public_url": at.minio_page,
            }
            return known | ({"upload_folder": at.uploads} if at.uploads else {})
        case "mail":
            host, _, port = at.smtp.partition(":")
            return {"smtp_host": host, "smtp_port": int(port)}
        case _:
            return {}


def of_provisioner(at: Addresses, passwords: Passwords) -> Toml:
    """As many copies of the stream as there are servers."""
    return {"nats_url": nats_url(PROVISIONER, at, passwords), "stream_replicas": len(at.nats)}


def of_buckets(at: Addresses, passwords: Passwords) -> Toml:
    return {
        "address": at.minio,
        "user": ADMIN,
        "password": passwords.at_s3(ADMIN),
        "media_password": passwords.at_s3(MEDIA),
        "buckets": list(BUCKETS),
    }


def of_auditor(at: Addresses, passwords: Passwords) -> Toml:
    """It looks everywhere, and knows no other password; the databases come as a table of their own."""
    return {
        "host": at.listen,
        "port": PORT,
        "psp_url": f"http://{at.psp}",
        "nats_url": nats_url(VIEWER, at, passwords),
    }


def audited(at: Addresses, passwords: Passwords) -> Toml:
    """Every database, as the auditor."""
    secret = passwords.of(AUDITOR)
    return {service: f"postgresql://{AUDITOR}:{secret}@{at.postgres}/{service}" for service in WITH_DATABASE}


def owners(at: Addresses, passwords: Passwords) -> Toml:
    """The databases of the migrations, each under its owner."""
    return {service: database_url(service, "owner", at, passwords) for service in WITH_DATABASE}


def database_url(service: str, role: str, at: Addresses, passwords: Passwords) -> str:
    name = f"{service}_{role}"
    return f"postgresql://{name}:{passwords.of(name)}@{at.postgres}/{service}"


def nats_url(user: str, at: Addresses, passwords: Passwords) -> str:
    return ",".join(f"nats://{user}:{passwords.at_nats(user)}@{server}" for server in at.nats)


def redis(user: str, at: Addresses, passwords: Passwords) -> Toml:
    servers = [f"redis://{user}:{passwords.at_redis(user)}@{server}/0" for server in at.redis]
    return {"redis_url": ",".join(servers), "redis_cluster": len(at.redis) > 1}


def toml(values: Toml) -> str:
    """Strings, numbers, truths and lists of them; JSON spells all of these as TOML does."""
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
