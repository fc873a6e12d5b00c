"""Tokens that must be refused, by name (security 5.2)."""

import base64
import json
import time
from collections.abc import Callable

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.integration.account.forge import Claims, Forge, part


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


def respelled(forge: Forge) -> str:
    """The last sign of 64 bytes carries four bits that base64 throws away."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return forge.mine[:-1] + alphabet[alphabet.index(forge.mine[-1]) ^ 1]


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
    "HS256 with the kid as its secret": lambda forge: forge.with_secret("HS256", forge.kid.encode()),
    "HS512 with the public key as PEM": lambda forge: forge.with_secret("HS512", forge.public_pem),
    "HS256 with the JWK as its secret": lambda forge: forge.with_secret(
        "HS256", json.dumps(forge.public_jwk).encode()
    ),
    "my own signature under another alg": lambda forge: forge.signed(header={"alg": "HS256"}),
    "alg in small letters": lambda forge: forge.signed(header={"alg": "eddsa"}),
    "alg in capitals": lambda forge: forge.signed(header={"alg": "EDDSA"}),
    "the curve's name as alg": lambda forge: forge.signed(header={"alg": "Ed25519"}),
    "alg with a space": lambda forge: forge.signed(header={"alg": "EdDSA "}),
    "a list of algs": lambda forge: forge.signed(header={"alg": ["none", "EdDSA"]}),
    "alg null": lambda forge: forge.signed(header={"alg": None}),
    "an RSA key": lambda forge: forge.by_own(rsa.generate_private_key(65537, 2048), "RS256"),
    "an EC key": lambda forge: forge.by_own(ec.generate_private_key(ec.SECP256R1()), "ES256"),
    "an RSA key for PSS": lambda forge: forge.by_own(rsa.generate_private_key(65537, 2048), "PS256"),
    "an EC key of another curve": lambda forge: forge.by_own(
        ec.generate_private_key(ec.SECP521R1()), "ES512"
    ),
    "a key of my own under my kid": lambda forge: forge.by_own(own(), "EdDSA", kid="mine"),
    "an empty kid": lambda forge: forge.signed(header={"kid": ""}),
    "a huge kid": lambda forge: forge.signed(header={"kid": "k" * 20_000}),
    "a kid with a zero byte": lambda forge: forge.signed(header={"kid": f"{forge.kid}\x00"}),
    "a kid that is a list": lambda forge: forge.signed(header={"kid": [forge.kid]}),
    "a kid that is an object": lambda forge: forge.signed(header={"kid": {"kid": forge.kid}}),
    "a kid that is a URL": lambda forge: forge.signed(header={"kid": "http://127.0.0.1:1/key"}),
    "no kid": lambda forge: forge.signed_raw(b'{"alg":"EdDSA"}', json.dumps(forge.claims).encode()),
    "a kid that is a path": lambda forge: forge.signed(header={"kid": "../../dev/null"}),
    "a kid that is SQL": lambda forge: forge.signed(header={"kid": "' OR 1=1 --"}),
    "an unknown kid": lambda forge: forge.signed(header={"kid": "0" * 43}),
    "a kid that is a number": lambda forge: forge.signed(header={"kid": 1}),
    "a kid that is null": lambda forge: forge.signed(header={"kid": None}),
    "my key in the header": jwk_header,
    "my key at an address": lambda forge: forge.by_own(own(), "EdDSA", jku="http://127.0.0.1:1/jwks"),
    "my certificate at an address": lambda forge: forge.by_own(own(), "EdDSA", x5u="http://127.0.0.1:1/"),
    "my certificate in the header": lambda forge: forge.by_own(own(), "EdDSA", x5c=["MAo="]),
    "two kids": lambda forge: forge.signed_raw(
        b'{"alg":"EdDSA","kid":"x","kid":"%s"}' % forge.kid.encode(), json.dumps(forge.claims).encode()
    ),
    "two algs": lambda forge: forge.signed_raw(
        b'{"alg":"none","alg":"EdDSA","kid":"%s"}' % forge.kid.encode(), json.dumps(forge.claims).encode()
    ),
    "an empty crit": lambda forge: forge.signed(header={"crit": []}),
    "a payload that is not encoded": lambda forge: forge.signed(header={"b64": False, "crit": ["b64"]}),
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
    "two signatures": lambda forge: f"{forge.mine}.{forge.mine.rsplit('.', 1)[1]}",
    "a signature twice as long": lambda forge: forge.mine + forge.mine.rsplit(".", 1)[1],
    "a signature of zeros": lambda forge: f"{forge.mine.rsplit('.', 1)[0]}.{part(b'0' * 64)}",
    "a space within": lambda forge: f"{forge.mine[:-9]} {forge.mine[-9:]}",
    "a tab within": lambda forge: f"{forge.mine[:-9]}\t{forge.mine[-9:]}",
    "a padded signature": lambda forge: f"{forge.mine}==",
    "signs that base64 passes over": lambda forge: f"{forge.mine[:-9]}!~{forge.mine[-9:]}",
    "another spelling of the signature": respelled,
    "a token in quotes": lambda forge: f'"{forge.mine}"',
    "a comma and another": lambda forge: f"{forge.mine},{forge.mine}",
    "an encrypted token": lambda forge: f"{forge.mine}.{part(b'x')}.{part(b'x')}",
    "a refresh token between dots": lambda forge: f"{part({})}.{forge.refresh}.{part(b'x')}",
    "claims twice": lambda forge: forge.signed_raw(
        forge.head, b'{"role":"admin",' + json.dumps(forge.claims).encode()[1:]
    ),
    "claims that are a text": lambda forge: forge.signed_raw(forge.head, b'"access"'),
    "claims that are null": lambda forge: forge.signed_raw(forge.head, b"null"),
    "claims that are not UTF-8": lambda forge: forge.signed_raw(forge.head, b"\xff\xfe"),
    "claims without end": lambda forge: forge.signed_raw(forge.head, b"[" * 5000),
    "an exp that is a float": lambda forge: forge.signed(exp=time.time() + 60.5),
    "an exp that is a number in quotes": lambda forge: forge.signed(exp=str(int(time.time()) + 60)),
    "an exp that is true": lambda forge: forge.signed(exp=True),
    "an exp in a list": lambda forge: forge.signed(exp=[int(time.time()) + 60]),
    "an exp that is no number": lambda forge: forge.signed(exp=float("nan")),
    "an exp below zero": lambda forge: forge.signed(exp=-1),
    "an exp in a year": lambda forge: forge.signed(exp=int(time.time()) + 365 * 86_400),
    "no exp": lambda forge: forge.signed(without="exp"),
    "an exp gone by": lambda forge: forge.signed(exp=int(time.time()) - 1),
    "an exp that is a word": lambda forge: forge.signed(exp="tomorrow"),
    "an exp without end": lambda forge: forge.signed(exp=float("inf")),
    "an exp beyond numbers": lambda forge: forge.signed(exp=10**400),
    "an exp that is null": lambda forge: forge.signed(exp=None),
    "no iat": lambda forge: forge.signed(without="iat"),
    "an iat to come": lambda forge: forge.signed(iat=int(time.time()) + 3600),
    "an iat that is a word": lambda forge: forge.signed(iat="now"),
    "an iat that is a float": lambda forge: forge.signed(iat=time.time() - 1.5),
    "an iat that is null": lambda forge: forge.signed(iat=None),
    "no sub": lambda forge: forge.signed(without="sub"),
    "a sub that is no id": lambda forge: forge.signed(sub="admin"),
    "a sub that is a number": lambda forge: forge.signed(sub=1),
    "a sub that is SQL": lambda forge: forge.signed(sub="' OR 1=1 --"),
    "a sub in a list": lambda forge: forge.signed(sub=[forge.claims["sub"]]),
    "a sub that is null": lambda forge: forge.signed(sub=None),
    "a jti that is a number": lambda forge: forge.signed(jti=1),
    "an empty jti": lambda forge: forge.signed(jti=""),
    "no jti": lambda forge: forge.signed(without="jti"),
    "no sid": lambda forge: forge.signed(without="sid"),
    "a sid that is a number": lambda forge: forge.signed(sid=1),
    "a sid that is no id": lambda forge: forge.signed(sid="mine"),
    "a sid that is null": lambda forge: forge.signed(sid=None),
    "a session of nobody": lambda forge: forge.signed(sid="01900000-0000-7000-8000-000000000000"),
    "no role": lambda forge: forge.signed(without="role"),
    "a role that is a number": lambda forge: forge.signed(role=1),
    "roles": lambda forge: forge.signed(role=["customer", "admin"]),
    "no version": lambda forge: forge.signed(without="ver"),
    "a version that is a word": lambda forge: forge.signed(ver="1"),
    "a version that is a float": lambda forge: forge.signed(ver=1.5),
    "a version that is true": lambda forge: forge.signed(ver=True),
    "a version of nothing": lambda forge: forge.signed(ver=0),
    "a version below zero": lambda forge: forge.signed(ver=-1),
    "a version that is null": lambda forge: forge.signed(ver=None),
    "a version beyond numbers": lambda forge: forge.signed(ver=10**400),
    "no word on verified": lambda forge: forge.signed(without="verified"),
    "verified is a word": lambda forge: forge.signed(verified="true"),
    "verified is a number": lambda forge: forge.signed(verified=1),
    "another issuer": lambda forge: forge.signed(iss="bank"),
    "no issuer": lambda forge: forge.signed(without="iss"),
    "issuers": lambda forge: forge.signed(iss=["shop"]),
    "an issuer that is null": lambda forge: forge.signed(iss=None),
    "an issuer that is a number": lambda forge: forge.signed(iss=1),
    "another audience": lambda forge: forge.signed(aud="bank"),
    "other audiences": lambda forge: forge.signed(aud=["bank", "post"]),
    "audiences, one of them right": lambda forge: forge.signed(aud=["shop", "bank"]),
    "the right audience in a list": lambda forge: forge.signed(aud=["shop"]),
    "an audience that is an object": lambda forge: forge.signed(aud={"shop": 1}),
    "an audience that is null": lambda forge: forge.signed(aud=None),
    "no audience": lambda forge: forge.signed(without="aud"),
    "not yet valid": lambda forge: forge.signed(nbf=int(time.time()) + 3600),
    "a nbf that is a word": lambda forge: forge.signed(nbf="soon"),
    "a use that is a list": lambda forge: forge.signed(use=["access"]),
    "a use in capitals": lambda forge: forge.signed(use="ACCESS"),
    "another use": lambda forge: forge.signed(use="refresh"),
    "no use": lambda forge: forge.signed(without="use"),
    "a refresh token": lambda forge: forge.refresh,
}
