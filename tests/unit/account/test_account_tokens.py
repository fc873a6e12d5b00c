"""Keys, access tokens, refresh tokens, codes."""

import base64
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from account import tokens
from account.codes import Codes
from account.tokens import AccessTokens
from common.ids import new_id
from tests.unit.account.ann import ANN


def issuing(key: Ed25519PrivateKey, *others: Ed25519PublicKey) -> AccessTokens:
    return AccessTokens(key, others, issuer="shop", audience="shop", seconds=60)


def test_a_key_is_known_by_its_thumbprint() -> None:
    """The example of RFC 8037, A.2 and A.3."""
    key = Ed25519PublicKey.from_public_bytes(
        bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    )
    assert tokens.published(key)["kid"] == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_nothing_private_is_published() -> None:
    issuer = issuing(Ed25519PrivateKey.generate())
    assert set(issuer.jwks["keys"][0]) == {"kty", "crv", "x", "kid", "alg", "use"}


def test_a_key_that_is_given_twice_is_published_once() -> None:
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    issuer = issuing(key, key.public_key(), other.public_key())
    assert len(issuer.keys) == 2


def test_every_access_token_is_another() -> None:
    issuer, session = issuing(Ed25519PrivateKey.generate()), new_id()
    assert issuer.sign(ANN, session) != issuer.sign(ANN, session)
    claims = jwt.decode(
        issuer.sign(ANN, session), issuer.keys[0], algorithms=["EdDSA"], issuer="shop", audience="shop"
    )
    assert (claims["sub"], claims["sid"], claims["exp"] - claims["iat"]) == (str(ANN.id), str(session), 60)


def test_secrets_of_two_purposes_and_of_two_keys_differ() -> None:
    one, two = issuing(Ed25519PrivateKey.generate()), issuing(Ed25519PrivateKey.generate())
    assert len({one.secret_for("a"), one.secret_for("b"), two.secret_for("a")}) == 3
    assert one.secret_for("a") == one.secret_for("a")


def test_a_successor_is_read_with_the_token_it_replaced_and_no_other() -> None:
    token, successor, other = (tokens.new_refresh_token() for _ in range(3))
    seal = tokens.sealed(successor, token)
    assert tokens.unsealed(seal, token) == successor
    assert tokens.unsealed(seal, other) != successor
    assert base64.urlsafe_b64decode(successor + "=") not in seal


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=4096))
def test_any_text_may_pose_as_a_refresh_token(text: str) -> None:
    assert len(tokens.hashed(text)) == 32


def test_refresh_tokens_have_256_bits_of_their_own() -> None:
    made = {tokens.new_refresh_token() for _ in range(1000)}
    assert len(made) == 1000
    assert {len(base64.urlsafe_b64decode(token + "=")) for token in made} == {32}


def test_codes_are_eight_digits_bound_to_account_and_number() -> None:
    codes, me, other = Codes(b"key"), new_id(), new_id()
    made = {codes.new() for _ in range(1000)}
    assert len(made) > 990
    assert all(len(code) == 8 and code.isascii() and code.isdigit() for code in made)
    stored = codes.hashed(me, 1, "01234567")
    assert codes.match(stored, me, 1, "01234567")
    assert not codes.match(stored, me, 1, "01234568")
    assert not codes.match(stored, me, 2, "01234567")
    assert not codes.match(stored, other, 1, "01234567")
    assert not Codes(b"another key").match(stored, me, 1, "01234567")


def test_a_public_key_is_read_from_either_file(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert tokens.public_key(private) == tokens.public_key(public) == key.public_key()
    assert tokens.signing_key(private).public_key() == key.public_key()


def test_a_key_that_cannot_be_used_ends_the_program_with_its_name(tmp_path: Path) -> None:
    missing, broken, other = tmp_path / "missing.pem", tmp_path / "broken.pem", tmp_path / "other.pem"
    broken.write_text("no key")
    curve = generate_private_key(SECP256R1())
    other.write_bytes(curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    for file in (missing, broken, other):
        for read in (tokens.signing_key, tokens.public_key):
            with pytest.raises(SystemExit, match=file.name):
                read(file)
