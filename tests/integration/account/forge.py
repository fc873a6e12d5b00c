"""Who makes access tokens himself: with what is public, and for some with the real key."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from account.settings import AccountSettings
from tests.integration.account.api import Answer

Claims = dict[str, Any]


def part(content: object) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Forge:
    """Has everything that is public: a token of its own, and the keys. And, for some, the real key."""

    def __init__(self, settings: AccountSettings, mine: Answer) -> None:
        key = load_pem_private_key(Path(settings.signing_key_file).read_bytes(), None)
        assert isinstance(key, Ed25519PrivateKey)
        self.key = key
        self.mine = mine.token
        self.refresh = mine.refresh
        self.kid: str = jwt.get_unverified_header(mine.token)["kid"]
        self.head = json.dumps({"alg": "EdDSA", "kid": self.kid}).encode()
        self.claims: Claims = jwt.decode(mine.token, options={"verify_signature": False})

    def signed(self, *, header: Claims | None = None, without: str = "", **changed: Any) -> str:
        """By the real key: what must be refused for what it says."""
        claims = {name: value for name, value in (self.claims | changed).items() if name != without}
        head = {"alg": "EdDSA", "typ": "JWT", "kid": self.kid} | (header or {})
        return self.signed_raw(json.dumps(head).encode(), json.dumps(claims).encode())

    def signed_raw(self, head: bytes, claims: bytes) -> str:
        signing_input = f"{part(head)}.{part(claims)}"
        return f"{signing_input}.{part(self.key.sign(signing_input.encode()))}"

    def unsigned(self, alg: str, signature: bytes = b"") -> str:
        return f"{part({'alg': alg, 'kid': self.kid})}.{part(self.claims)}.{part(signature)}"

    def with_secret(self, alg: str, secret: bytes) -> str:
        signing_input = f"{part({'alg': alg, 'kid': self.kid})}.{part(self.claims)}"
        return f"{signing_input}.{part(hmac.digest(secret, signing_input.encode(), hashlib.sha256))}"

    def by_own(self, key: Any, alg: str, **header: Any) -> str:
        return jwt.encode(self.claims, key, algorithm=alg, headers={"kid": self.kid} | header)

    @property
    def public_pem(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def public_jwk(self) -> Claims:
        return jwt.algorithms.OKPAlgorithm.to_jwk(self.key.public_key(), as_dict=True)

    @property
    def public_raw(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
