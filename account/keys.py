"""The keys that sign access tokens. One file holds them all, and says of each from when on it signs.

So a change of keys is one atomic write; what follows from it, every process does by the clock.
"""

import logging
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import OKPAlgorithm
from jwt.utils import base64url_encode

from common.http.claims import ALGORITHM

log = logging.getLogger(__name__)

ENTRY = re.compile(
    r"(?:^signs-from: (\S+)\n)?^(-----BEGIN PRIVATE KEY-----\n.*?^-----END PRIVATE KEY-----$)",
    re.MULTILINE | re.DOTALL,
)
"""Text between the keys of a PEM file is left to whoever writes it (RFC 7468, 2)."""


class Unusable(ValueError):
    """Not a file of keys."""


@dataclass(frozen=True)
class Key:
    raw: bytes = field(repr=False)
    signs_from: float = 0.0
    """Unix time."""

    @classmethod
    def new(cls, signs_from: float) -> "Key":
        return cls(Ed25519PrivateKey.generate().private_bytes_raw(), signs_from)

    @cached_property
    def private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.raw)

    @cached_property
    def public(self) -> dict[str, Any]:
        return published(self.private.public_key())

    @property
    def kid(self) -> str:
        return str(self.public["kid"])


@dataclass(frozen=True)
class Turn:
    """Who signs at a moment, and whose tokens are accepted then."""

    signing: Key
    accepted: tuple[Key, ...]

    @property
    def signing_first(self) -> list[Key]:
        return [self.signing, *(key for key in self.accepted if key != self.signing)]


@dataclass(frozen=True)
class Ring:
    """A key is accepted as soon as it is here, and for `overlap` seconds after the next one signs."""

    keys: Sequence[Key]
    overlap: float

    def at(self, now: float) -> Turn:
        accepted = tuple(key for key in self.keys if self.over_at(key) > now)
        signing = [key for key in accepted if key.signs_from <= now]
        return Turn(signing[-1] if signing else accepted[0], accepted)

    def over_at(self, key: Key) -> float:
        later = [other.signs_from for other in self.keys if other.signs_from > key.signs_from]
        return min(later) + self.overlap if later else float("inf")


class KeyFile:
    """Looked at often; one that is no good changes nothing, but at first raises Unusable or OSError."""

    def __init__(self, file: Path, *, overlap: float) -> None:
        self.file = file
        self.overlap = overlap
        self._seen = self._version()
        self._ring = Ring(read(file), overlap)

    def now(self) -> Turn:
        try:
            if (version := self._version()) != self._seen:
                self._ring = Ring(read(self.file), self.overlap)
                self._seen = version
        except (Unusable, OSError) as error:
            log.warning("going on with the keys of before; %s: %s", self.file, error)
        return self._ring.at(time.time())

    def _version(self) -> tuple[int, int, int]:
        found = self.file.stat()
        return found.st_mtime_ns, found.st_ino, found.st_size


def published(key: Ed25519PublicKey) -> dict[str, Any]:
    """The key as it stands in a JWKS; its `kid` is its thumbprint (RFC 7638)."""
    jwk = OKPAlgorithm.to_jwk(key, as_dict=True)
    thumb = {name: jwk[name] for name in ("crv", "kty", "x")}
    digest = sha256(msgspec.json.encode(thumb, order="sorted")).digest()
    return {**thumb, "kid": base64url_encode(digest).decode(), "alg": ALGORITHM, "use": "sig"}


def read(file: Path) -> list[Key]:
    """Oldest first. Raises Unusable, or OSError."""
    try:
        found = [_key(since, pem) for since, pem in ENTRY.findall(file.read_text())]
    except (ValueError, TypeError) as error:
        raise Unusable(str(error)) from error
    if not found:
        raise Unusable("there is no key in it")
    return sorted(found, key=lambda key: key.signs_from)


def write(file: Path, keys: Sequence[Key]) -> None:
    """In one step, onto the disk: no reader meets half of it. As private as it was, at first its owner's."""
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o600
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w") as content:
            content.write("\n".join(_entry(key) for key in keys))
            os.fchmod(descriptor, mode)
            content.flush()
            os.fsync(descriptor)
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)
    _onto_the_disk(file.parent)


def _onto_the_disk(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _key(since: str, pem: str) -> Key:
    key = load_pem_private_key(pem.encode(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise Unusable("it is not an Ed25519 key")
    return Key(key.private_bytes_raw(), datetime.fromisoformat(since).timestamp() if since else 0.0)


def _entry(key: Key) -> str:
    pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    since = (
        f"signs-from: {datetime.fromtimestamp(key.signs_from, UTC).isoformat()}\n" if key.signs_from else ""
    )
    return since + pem
