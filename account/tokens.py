"""Access tokens (signed, read by every service) and refresh tokens (opaque, read here alone)."""

import base64
import hashlib
import hmac
import json
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from jwt.algorithms import OKPAlgorithm

from account.model import Account
from account.settings import AccountSettings
from common.http.claims import ALGORITHM

REFRESH_BYTES = 32


class AccessTokens:
    """Signs them, and publishes the keys that verify them."""

    def __init__(
        self,
        signing_key: Ed25519PrivateKey,
        others: Sequence[Ed25519PublicKey] = (),
        *,
        issuer: str,
        audience: str,
        seconds: int,
    ) -> None:
        keys = [published(key) for key in (signing_key.public_key(), *others)]
        self.jwks = {"keys": list({key["kid"]: key for key in keys}.values())}
        self.seconds = seconds
        self._signing_key = signing_key
        self._headers = {"kid": keys[0]["kid"]}
        self._always = {"iss": issuer, "aud": audience, "use": "access"}

    @classmethod
    def configured(cls, settings: AccountSettings) -> "AccessTokens":
        """Ends the program with one line when a key cannot be read."""
        return cls(
            signing_key(Path(settings.signing_key_file)),
            [public_key(Path(each)) for each in settings.other_key_files],
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            seconds=settings.access_seconds,
        )

    @property
    def keys(self) -> list[jwt.PyJWK]:
        return jwt.PyJWKSet.from_dict(self.jwks).keys

    def sign(self, account: Account, session_id: UUID) -> str:
        now = int(time.time())
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
        return jwt.encode(claims, self._signing_key, algorithm=ALGORITHM, headers=self._headers)

    def secret_for(self, purpose: str) -> bytes:
        """A further secret, of which the signing key says nothing and which says nothing of it."""
        return hmac.digest(self._signing_key.private_bytes_raw(), purpose.encode(), "sha256")


def published(key: Ed25519PublicKey) -> dict[str, Any]:
    """The key as it stands in a JWKS; its `kid` is its thumbprint (RFC 7638)."""
    jwk = OKPAlgorithm.to_jwk(key, as_dict=True)
    thumb = {name: jwk[name] for name in ("crv", "kty", "x")}
    digest = hashlib.sha256(json.dumps(thumb, separators=(",", ":"), sort_keys=True).encode()).digest()
    return {**thumb, "kid": _text(digest), "alg": ALGORITHM, "use": "sig"}


def signing_key(file: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        sys.exit(f"settings: the key {file}: {error}")
    if not isinstance(key, Ed25519PrivateKey):
        sys.exit(f"settings: the key {file} is not an Ed25519 key")
    return key


def public_key(file: Path) -> Ed25519PublicKey:
    """From a public key's file or a private one's."""
    try:
        key = load_pem_public_key(file.read_bytes())
    except OSError as error:
        sys.exit(f"settings: the key {file}: {error}")
    except ValueError:
        return signing_key(file).public_key()
    if not isinstance(key, Ed25519PublicKey):
        sys.exit(f"settings: the key {file} is not an Ed25519 key")
    return key


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
