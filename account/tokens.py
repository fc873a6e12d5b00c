"""Access tokens (signed, read by every service) and refresh tokens (opaque, read here alone)."""

import asyncio
import base64
import hashlib
import hmac
import logging
import secrets
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jwt

from account.keys import Key, KeyFile, Turn, Unusable
from account.model import Account
from account.settings import AccountSettings
from common.http.auth import Verifier
from common.http.claims import ALGORITHM

log = logging.getLogger(__name__)

REFRESH_BYTES = 32
LOOK_SECONDS = 1.0
"""Between two looks at the file of keys, and at the clock."""


class AccessTokens:
    """Signs them, verifies its own, and publishes the keys by which others do."""

    def __init__(self, turn: Turn, *, issuer: str, audience: str, seconds: int) -> None:
        self.seconds = seconds
        self.verifier = Verifier(None, issuer=issuer, audience=audience)
        self._always = {"iss": issuer, "aud": audience, "use": "access"}
        self._turn = turn
        self.verifier.keys.accept(self.keys)

    @classmethod
    def configured(cls, settings: AccountSettings, turn: Turn) -> "AccessTokens":
        return cls(
            turn,
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            seconds=settings.access_seconds,
        )

    @property
    def jwks(self) -> dict[str, Any]:
        return {"keys": [key.public for key in self._turn.accepted]}

    @property
    def keys(self) -> list[jwt.PyJWK]:
        return jwt.PyJWKSet.from_dict(self.jwks).keys

    def sign(self, account: Account, session_id: UUID) -> str:
        now, key = int(time.time()), self._turn.signing
        claims = self._always | {
            "sub": str(account.id),
            "sid": str(session_id),
            "jti": str(uuid4()),
            "iat": now,
            "exp": now + self.seconds,
            "ver": account.version,
            "role": account.role,
            "verified": account.verified,
        }
        return jwt.encode(claims, key.private, algorithm=ALGORITHM, headers={"kid": key.kid})

    def secrets_for(self, purpose: str) -> list[bytes]:
        """Further secrets, which say nothing of the keys: the first for what is new, all for the rest."""
        return [_secret(key, purpose) for key in self._turn.signing_first]

    def turn_to(self, turn: Turn) -> None:
        """Another key may sign from now on, and one may be accepted no longer."""
        if turn != self._turn:
            self._turn = turn
            self.verifier.keys.accept(self.keys)
            kids = [key.kid for key in turn.signing_first]
            log.info("signing with the key %s; accepting %s", kids[0], ", ".join(kids))

    async def follow(self, file: KeyFile) -> None:
        """Runs until cancelled. Whoever changes the file need neither tell nor restart a process."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.turn_to(file.now())


def key_file(settings: AccountSettings) -> KeyFile:
    """Ends the program if it cannot be read."""
    file = Path(settings.signing_key_file)
    try:
        return KeyFile(file, overlap=overlap(settings))
    except (Unusable, OSError) as error:
        sys.exit(f"settings: the key {file}: {error}")


def overlap(settings: AccountSettings) -> float:
    """A key is accepted for as long as what it signed may be used."""
    return max(settings.access_seconds, settings.code_seconds) + settings.key_margin_seconds


def _secret(key: Key, purpose: str) -> bytes:
    return hmac.digest(key.raw, purpose.encode(), "sha256")


def new_refresh_token() -> str:
    return _text(secrets.token_bytes(REFRESH_BYTES))


def hashed(token: str) -> bytes:
    """What the database knows of a refresh token. 256 random bits need neither salt nor a slow hash."""
    return hashlib.sha256(token.encode()).digest()


def sealed(successor: str, token: str) -> bytes:
    """The successor, readable only with the token it replaced, which the database does not hold.

    So a repeated exchange can be answered with the same successor, by any replica and under any signing key,
    while every token stays random and none stands in the database. A one-time pad: one token, one successor.
    """
    return _padded(base64.urlsafe_b64decode(successor + "="), token)


def unsealed(seal: bytes, token: str) -> str:
    return _text(_padded(seal, token))


def _padded(content: bytes, token: str) -> bytes:
    pad = hmac.digest(token.encode(), b"successor", "sha256")
    return bytes(a ^ b for a, b in zip(content, pad, strict=True))


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
