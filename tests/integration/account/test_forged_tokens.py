"""Attacks on a real route with tokens that somebody made himself (security 5.2)."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from account.settings import AccountSettings
from tests.integration.account.api import Answer, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

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
        self.claims: Claims = jwt.decode(mine.token, options={"verify_signature": False})

    def signed(self, *, header: Claims | None = None, without: str = "", **changed: Any) -> str:
        """By the real key: what must be refused for what it says."""
        claims = {name: value for name, value in (self.claims | changed).items() if name != without}
        head = {"alg": "EdDSA", "typ": "JWT", "kid": self.kid} | (header or {})
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
    def public_raw(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def own() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def own_jwk(key: Ed25519PrivateKey) -> Claims:
    return jwt.algorithms.OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)


def flipped(token: str, at: int) -> str:
    parts = token.split(".")
    raw = bytearray(base64.urlsafe_b64decode(parts[at] + "=="))
    raw[len(raw) // 2] ^= 1
    parts[at] = part(bytes(raw))
    return ".".join(parts)


def jwk_header(forge: Forge) -> str:
    key = own()
    return forge.by_own(key, "EdDSA", jwk=own_jwk(key), jku="http://127.0.0.1:1/", x5u="http://127.0.0.1:1/")


FORGED: dict[str, Callable[[Forge], str]] = {
    "nothing": lambda _: "",
    "words": lambda _: "let me in",
    "dots": lambda _: "..",
    "more dots": lambda forge: f"{forge.mine}.x",
    "alg none": lambda forge: forge.unsigned("none"),
    "alg NONE": lambda forge: forge.unsigned("NoNe"),
    "alg none, kept signature": lambda forge: forge.unsigned("none", b"x" * 64),
    "no alg": lambda forge: f"{part({'kid': forge.kid})}.{part(forge.claims)}.{part(b'x' * 64)}",
    "HS256 with the public key as PEM": lambda forge: forge.with_secret("HS256", forge.public_pem),
    "HS256 with the public key raw": lambda forge: forge.with_secret("HS256", forge.public_raw),
    "HS256 with an empty secret": lambda forge: forge.with_secret("HS256", b""),
    "a key of my own under your kid": lambda forge: forge.by_own(own(), "EdDSA"),
    "an RSA key": lambda forge: forge.by_own(rsa.generate_private_key(65537, 2048), "RS256"),
    "an EC key": lambda forge: forge.by_own(ec.generate_private_key(ec.SECP256R1()), "ES256"),
    "a kid that is a path": lambda forge: forge.signed(header={"kid": "../../dev/null"}),
    "a kid that is SQL": lambda forge: forge.signed(header={"kid": "' OR 1=1 --"}),
    "an unknown kid": lambda forge: forge.signed(header={"kid": "0" * 43}),
    "a kid that is a number": lambda forge: forge.signed(header={"kid": 1}),
    "a kid that is null": lambda forge: forge.signed(header={"kid": None}),
    "my key in the header": jwk_header,
    "an unknown crit": lambda forge: forge.signed(header={"crit": ["x"], "x": 1}),
    "a crit that is no list": lambda forge: forge.signed(header={"crit": "exp"}),
    "a header that is a list": lambda forge: f"{part([])}.{part(forge.claims)}.{part(b'')}",
    "a header without end": lambda forge: f"{part(b'[' * 3000)}.{part(forge.claims)}.{part(b'')}",
    "claims that are a list": lambda forge: f"{forge.mine.split('.')[0]}.{part([])}.{part(b'')}",
    "a truncated signature": lambda forge: forge.mine[:-4],
    "no signature": lambda forge: forge.mine.rsplit(".", 1)[0] + ".",
    "no third part": lambda forge: forge.mine.rsplit(".", 1)[0],
    "a flipped signature": lambda forge: flipped(forge.mine, 2),
    "flipped claims": lambda forge: flipped(forge.mine, 1),
    "a flipped header": lambda forge: flipped(forge.mine, 0),
    "no exp": lambda forge: forge.signed(without="exp"),
    "an exp gone by": lambda forge: forge.signed(exp=int(time.time()) - 1),
    "an exp that is a word": lambda forge: forge.signed(exp="tomorrow"),
    "an exp without end": lambda forge: forge.signed(exp=float("inf")),
    "an exp beyond numbers": lambda forge: forge.signed(exp=10**400),
    "an exp that is null": lambda forge: forge.signed(exp=None),
    "no iat": lambda forge: forge.signed(without="iat"),
    "an iat to come": lambda forge: forge.signed(iat=int(time.time()) + 3600),
    "no sub": lambda forge: forge.signed(without="sub"),
    "a sub that is no id": lambda forge: forge.signed(sub="admin"),
    "a sub that is a number": lambda forge: forge.signed(sub=1),
    "no jti": lambda forge: forge.signed(without="jti"),
    "no sid": lambda forge: forge.signed(without="sid"),
    "a session of nobody": lambda forge: forge.signed(sid="01900000-0000-7000-8000-000000000000"),
    "no role": lambda forge: forge.signed(without="role"),
    "another issuer": lambda forge: forge.signed(iss="bank"),
    "no issuer": lambda forge: forge.signed(without="iss"),
    "another audience": lambda forge: forge.signed(aud="bank"),
    "other audiences": lambda forge: forge.signed(aud=["bank", "post"]),
    "no audience": lambda forge: forge.signed(without="aud"),
    "not yet valid": lambda forge: forge.signed(nbf=int(time.time()) + 3600),
    "another use": lambda forge: forge.signed(use="refresh"),
    "no use": lambda forge: forge.signed(without="use"),
    "a refresh token": lambda forge: forge.refresh,
}


async def test_forged_tokens_are_refused(api: Api) -> None:
    forge = Forge(api.settings, await api.register())
    assert (await api.personal(forge.signed())).status == 200, "the forge itself works"
    for name, token in FORGED.items():
        answer = await api.personal(token(forge))
        assert answer.refusal == (401, "unauthorized"), name
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert (await api.personal(forge.mine)).status == 200, "and nothing of it stays"


async def test_a_token_counts_only_as_bearer_in_its_header(api: Api) -> None:
    me = await api.register()
    for header in (me.token, f"Basic {me.token}", "Bearer", "Bearer ", f"Bearer{me.token}"):
        answer = await api.send("GET", "/customer/personal", headers={"Authorization": header})
        assert answer.status == 401, header
    path = f"/customer/personal?access_token={me.token}"
    assert (await api.send("GET", path)).status == 401
    cookies = await api.send("GET", "/customer/personal", headers={"Cookie": f"access_token={me.token}"})
    assert cookies.status == 401


async def test_the_session_of_another_account_does_not_lend_itself(api: Api) -> None:
    me, other = await api.register(), await api.register()
    forge = Forge(api.settings, me)
    assert (await api.personal(forge.signed(sub=str(other.account_id)))).status == 401


@pytest.mark.parametrize("kid", ["unknown", "../etc/passwd"])
async def test_an_unknown_key_is_asked_for_nowhere(api: Api, kid: str) -> None:
    forge = Forge(api.settings, await api.register())
    begun = time.perf_counter()
    for _ in range(20):
        assert (await api.personal(forge.signed(header={"kid": kid}))).status == 401
    assert time.perf_counter() - begun < 2
