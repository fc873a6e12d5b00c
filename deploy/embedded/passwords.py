"""The stack's own secrets: random, made once, kept where only its user reads."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from common.postgres.rights import AUDITOR
from deploy.embedded.layout import SERVICES, WITH_DATABASE, Layout, write_private
from deploy.privileges import nats, redis, s3

OWNERS = (
    "postgres",
    "minio",
    "s3_media",
    AUDITOR,
    *(f"{name}_{role}" for name in WITH_DATABASE for role in ("owner", "runtime")),
    *(f"nats_{user}" for user in (*nats.users(SERVICES), nats.ADMIN, nats.ROUTE)),
    *(f"redis_{user}" for user in (*redis.users(), redis.ADMIN)),
)


@dataclass(frozen=True)
class Passwords:
    """Name of a server or database role -> its password."""

    known: dict[str, str]

    @classmethod
    def kept(cls, layout: Layout) -> "Passwords":
        """Read them, or make what is missing."""
        file = layout.private("secrets") / "passwords.json"
        known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        missing = {name: secrets.token_hex(24) for name in OWNERS if name not in known}
        if missing:
            write_private(file, json.dumps(known | missing, indent=2))
        return cls(known | missing)

    def of(self, name: str) -> str:
        """The password of a server or role."""
        return self.known[name]

    def at_nats(self, user: str) -> str:
        """The password of a user of the broker."""
        return self.of(f"nats_{user}")

    def at_redis(self, user: str) -> str:
        """The password of a user of Redis."""
        return self.of(f"redis_{user}")

    def at_s3(self, user: str) -> str:
        """The secret of a user of the object store; its administrator is MinIO's root, where that runs."""
        return self.of("minio" if user == s3.ADMIN else f"s3_{user}")


def signing_key(layout: Layout) -> Path:
    """Make the account service's Ed25519 key on first use; answer where it is."""
    file = layout.private("secrets") / "signing_key.pem"
    if not file.exists():
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - needed once in a home's life
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

        key = ed25519.Ed25519PrivateKey.generate()
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        write_private(file, key.private_bytes(encoding, form, serialization.NoEncryption()).decode())
    return file
