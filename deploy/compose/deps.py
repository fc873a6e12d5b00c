"""`./just deps-up`: the servers in containers, the services on the host; says with which settings.

The passwords are those of the volume that the job `secrets` filled; they are written where only its user
reads them.
"""

import json
import subprocess
import sys

from deploy.compose.settings import SERVICES, Addresses, of_service, toml
from deploy.embedded.layout import ROOT, Layout, write_private
from deploy.embedded.passwords import Passwords

FILES = ("--file", "compose.yaml", "--file", "deploy/compose.deps.yaml")
SERVERS = ("postgres", "nats", "redis", "minio", "mailhog", "psp", "nui")
JOBS = ("databases", "migrations", "streams", "buckets")
FOLDER = ROOT / ".local" / "deps"
LAYOUT = Layout(FOLDER, 8000)

ON_HOST = Addresses(
    listen="127.0.0.1",
    ports={service: LAYOUT.service_port(service) for service in SERVICES},
    keys=str(FOLDER),
    public_url="http://localhost:8000",
    account=f"127.0.0.1:{LAYOUT.service_port('account')}",
    postgres="127.0.0.1:5432",
    nats=("127.0.0.1:4222",),
    redis=("127.0.0.1:6379",),
    psp="127.0.0.1:8007",
    smtp="127.0.0.1:1025",
    minio="127.0.0.1:9000",
    minio_page="http://localhost:9000",
    uploads=None,
    mail_page="http://localhost:8025",
)


def compose(*arguments: str) -> str:
    """Its output; a failure has been told on the terminal."""
    done = subprocess.run(
        ["docker", "compose", *FILES, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def kept(file: str) -> str:
    """A file of the volume with the secrets."""
    return compose("run", "--rm", "--no-deps", "-T", "secrets", "cat", f"/volumes/secrets/secrets/{file}")


def write(passwords: Passwords, signing_key: str) -> None:
    """A settings file for every service."""
    LAYOUT.private()
    write_private(FOLDER / "signing_key.pem", signing_key)
    for service in SERVICES:
        write_private(FOLDER / f"{service}.toml", toml(of_service(service, ON_HOST, passwords)))


def up() -> None:
    compose("up", "--detach", "--wait", *SERVERS)
    for job in JOBS:
        compose("run", "--rm", "--no-deps", "-T", job)
    write(Passwords(json.loads(kept("passwords.json"))), kept("signing_key.pem"))
    folder = FOLDER.relative_to(ROOT)
    print("The servers run, with tables and stream. A service finds them with its file of settings:\n")
    for service in SERVICES:
        print(f"  SETTINGS_FILE={folder}/{service}.toml .venv/bin/python -m {service}")
    print("\nCaught mail: http://localhost:8025, the broker: http://localhost:31311")
    print("./just deps-down stops them.")


def main() -> int:
    try:
        if sys.argv[1:] == ["down"]:
            compose("down")
        else:
            up()
    except subprocess.CalledProcessError as error:
        return error.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
