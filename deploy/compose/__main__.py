"""`python -m deploy.compose FOLDER`: make the secrets once, and write every container's own files with them.

Each folder below is a volume that only its container mounts, so a service can read no password but its own.
"""

import json
import secrets
import sys
from pathlib import Path

from deploy.embedded.layout import WITH_DATABASE, Layout
from deploy.embedded.passwords import Passwords, signing_key
from deploy.embedded.roles import script

SERVICES = ("account", "product", "order", "payment", "purchase", "orchestrator", "mail")
"""All of those with a database in `WITH_DATABASE` get their URL."""

PORT = 8000
MOUNTED = "/settings"
PUBLIC_URL = "http://localhost"

Toml = dict[str, object]


def main() -> None:
    """Again is no harm: passwords stay, files are written anew."""
    volumes = Path(sys.argv[1])
    kept = Layout(volumes / "secrets", PORT)
    passwords = Passwords.kept(kept)
    for service in SERVICES:
        put(volumes / service / "settings.toml", toml(settings(service, passwords)))
    put(volumes / "account" / "signing_key.pem", signing_key(kept).read_text())
    put(volumes / "provisioner" / "settings.toml", toml({"nats_url": nats_url(passwords)}))
    put(volumes / "migrations" / "settings.toml", "[databases]\n" + toml(owners(passwords)))
    put(volumes / "postgres" / "password", passwords.of("postgres"))
    put(volumes / "postgres" / "roles.sql", script(WITH_DATABASE, passwords))
    put(
        volumes / "nats" / "authorization.conf",
        f'authorization {{ user: "shop", password: "{passwords.of("nats")}" }}\n',
    )
    put(volumes / "redis" / "password", passwords.of("redis"))
    put(volumes / "redis" / "password.conf", f"requirepass {passwords.of('redis')}\n")
    put(volumes / "minio" / "password", once(volumes / "minio" / "password"))


def settings(service: str, passwords: Passwords) -> Toml:
    """What a service cannot know by itself, and no more than it needs."""
    known: dict[str, object] = {
        "service": service,
        "host": "0.0.0.0",  # noqa: S104  # the container's own network
        "port": PORT,
        "public_url": PUBLIC_URL,
        "nats_url": nats_url(passwords),
    }
    if service in WITH_DATABASE:
        known["database_url"] = database_url(service, "runtime", passwords)
    if service not in {"account", "orchestrator", "mail"}:
        known["jwks_url"] = f"http://account:{PORT}/api/v1/account/jwks"
    return known | own(service, passwords)


def own(service: str, passwords: Passwords) -> Toml:
    """What only this one has."""
    match service:
        case "account":
            return {"signing_key_file": f"{MOUNTED}/signing_key.pem"}
        case "payment":
            return {"psp_url": f"http://psp:{PORT}"}
        case "purchase":
            redis_url = f"redis://:{passwords.of('redis')}@redis:6379/0"
            return {"redis_url": redis_url, "mail_page_url": f"{PUBLIC_URL}:8025"}
        case "mail":
            return {"smtp_host": "mailhog", "smtp_port": 1025}
        case _:
            return {}


def owners(passwords: Passwords) -> Toml:
    """The databases of the migrations, each under its owner."""
    return {service: database_url(service, "owner", passwords) for service in WITH_DATABASE}


def database_url(service: str, role: str, passwords: Passwords) -> str:
    name = f"{service}_{role}"
    return f"postgresql://{name}:{passwords.of(name)}@postgres:5432/{service}"


def nats_url(passwords: Passwords) -> str:
    return f"nats://shop:{passwords.of('nats')}@nats:4222"


def once(file: Path) -> str:
    return file.read_text() if file.exists() else secrets.token_hex(24)


def toml(values: Toml) -> str:
    """Strings and numbers only; JSON spells both as TOML does."""
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())


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
