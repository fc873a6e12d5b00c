"""What an access token says, read strictly: where a library is lenient, a forger has room."""

import base64
import json
from typing import Annotated, Any, Literal
from uuid import UUID

import jwt
import msgspec

ALGORITHM = "EdDSA"
MOST_SECONDS = 86_400
"""No access token lives longer, whoever signed it."""

UNREADABLE = (
    jwt.PyJWTError,
    msgspec.ValidationError,
    ValueError,
    TypeError,
    KeyError,
    OverflowError,
    RecursionError,
)
"""Whatever reading a token may raise: it is not one of ours."""


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """Every one must be there, in its own type: `"9"` is no time, `true` no version, a list no audience."""

    iss: str
    aud: str
    sub: UUID
    sid: UUID
    jti: Annotated[str, msgspec.Meta(min_length=1)]
    iat: int
    exp: int
    use: Literal["access"]
    ver: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
    role: str
    verified: bool


def header(token: str) -> dict[str, Any]:
    """Of a token in the one form that it can have: canonical base64url, no name twice. Raises UNREADABLE."""
    parts = [_decoded(part) for part in token.split(".")]
    if len(parts) != 3:
        raise ValueError("a token has three parts")
    head, _ = (json.loads(part, object_pairs_hook=_once_each) for part in parts[:2])
    if not isinstance(head, dict):
        raise TypeError("the header is no object")
    return head


def read(token: str, key: jwt.PyJWK, *, issuer: str, audience: str) -> Claims:
    """Signature, times, issuer, audience, types. Raises UNREADABLE."""
    said = jwt.decode(token, key, algorithms=[ALGORITHM], issuer=issuer, audience=audience)
    claims = msgspec.convert(said, Claims)
    if claims.exp - claims.iat > MOST_SECONDS:
        raise ValueError("it would live too long")
    return claims


def _decoded(part: str) -> bytes:
    raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
        raise ValueError("not canonical")
    return raw


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """RFC 7519, 4: what a name means that stands there twice depends on who reads it."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands there twice")
    return found
