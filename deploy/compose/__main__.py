"""`python -m deploy.compose FOLDER`: make the secrets once, and write every container's files with them.

Each folder below is a volume that only its container mounts, so a service can read no password but its own.
With `--cluster` the files are those of three brokers.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from deploy.compose import brokers, settings
from deploy.compose.settings import IN_CONTAINERS, NATS_NODES, PORT, SERVICES, Addresses, toml
from deploy.embedded.layout import WITH_DATABASE, Layout
from deploy.embedded.passwords import Passwords, signing_key
from deploy.embedded.roles import script
from deploy.privileges import redis, s3
from deploy.privileges.nats import OPERATOR

THREE = replace(IN_CONTAINERS, nats=tuple(f"{node}:4222" for node in NATS_NODES))


def main() -> None:
    """Again is no harm: passwords stay, files are written anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cluster", action="store_true")
    arguments = parser.parse_args()
    at = THREE if arguments.cluster else IN_CONTAINERS
    kept = Layout(arguments.folder / "secrets", PORT)
    passwords = Passwords.kept(kept)
    for file, text in files(at, passwords).items():
        put(arguments.folder / file, text)
    put(arguments.folder / "account" / "signing_key.pem", signing_key(kept).read_text())


def files(at: Addresses, passwords: Passwords) -> dict[str, str]:
    """Volume and name of each file, and its text."""
    return {
        **{f"{name}/settings.toml": toml(settings.of_service(name, at, passwords)) for name in SERVICES},
        "provisioner/settings.toml": toml(settings.of_provisioner(at, passwords)),
        "auditor/settings.toml": toml(settings.of_auditor(at, passwords))
        + "[databases]\n"
        + toml(settings.audited(at, passwords)),
        "operator/password": passwords.at_nats(OPERATOR),
        "buckets/settings.toml": toml(settings.of_buckets(at, passwords)),
        "migrations/settings.toml": "[databases]\n" + toml(settings.owners(at, passwords)),
        "postgres/password": passwords.of("postgres"),
        "postgres/roles.sql": script(WITH_DATABASE, passwords),
        "nats/mode.conf": brokers.mode(at),
        "nats/users.conf": brokers.users(passwords),
        "nats/cluster.conf": brokers.cluster(at, passwords),
        "nui/shop.json": brokers.context(at, passwords),
        "redis/users.conf": "\n".join(redis.lines(redis.users(), passwords.at_redis)) + "\n",
        **{f"redis/{user}": passwords.at_redis(user) for user in (redis.HEALTH, redis.CLUSTER)},
        "minio/password": passwords.at_s3(s3.ADMIN),
        "minio/identities.json": s3.identities(passwords.at_s3),  # for what stands in for MinIO
    }


def put(file: Path, text: str) -> None:
    """Readable for whatever user the container runs as; the volume is what keeps others out."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.write_text(text)
    fresh.chmod(0o444)
    fresh.replace(file)


if __name__ == "__main__":
    main()
