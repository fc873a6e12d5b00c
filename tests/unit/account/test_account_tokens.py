"""Keys, access tokens, refresh tokens, codes."""

import base64
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from account import keys, tokens
from account.codes import Codes
from account.keys import Key, KeyFile, Ring, Turn, Unusable
from account.model import Purpose
from account.settings import AccountSettings
from account.tokens import AccessTokens
from common.ids import new_id
from tests.unit.account.ann import ANN


def issuing(*made: Key) -> AccessTokens:
    known = made or (Key.new(0.0),)
    return AccessTokens(Turn(known[0], known), issuer="shop", audience="shop", seconds=60)


def test_a_key_is_known_by_its_thumbprint() -> None:
    """The example of RFC 8037, A.2 and A.3."""
    key = Ed25519PublicKey.from_public_bytes(
        bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    )
    assert keys.published(key)["kid"] == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_nothing_private_is_published() -> None:
    issuer = issuing()
    assert set(issuer.jwks["keys"][0]) == {"kty", "crv", "x", "kid", "alg", "use"}


def test_every_access_token_is_another() -> None:
    issuer, session = issuing(), new_id()
    assert issuer.sign(ANN, session) != issuer.sign(ANN, session)
    claims = jwt.decode(
        issuer.sign(ANN, session), issuer.keys[0], algorithms=["EdDSA"], issuer="shop", audience="shop"
    )
    assert (claims["sub"], claims["sid"], claims["exp"] - claims["iat"]) == (str(ANN.id), str(session), 60)


def test_secrets_of_two_purposes_and_of_two_keys_differ() -> None:
    one, two = Key.new(0.0), Key.new(1.0)
    both = issuing(one, two)
    assert len({*both.secrets_for("a"), *both.secrets_for("b")}) == 4
    assert both.secrets_for("a")[0] == issuing(one).secrets_for("a")[0], "the one that signs comes first"


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


def test_codes_are_eight_digits_bound_to_account_purpose_and_number() -> None:
    codes, me, other = Codes(lambda: [b"key"]), new_id(), new_id()
    made = {codes.new() for _ in range(1000)}
    assert len(made) > 990
    assert all(len(code) == 8 and code.isascii() and code.isdigit() for code in made)
    stored = codes.hashed(me, Purpose.RESET, 1, "01234567")
    assert codes.match(stored, me, Purpose.RESET, 1, "01234567")
    assert not codes.match(stored, me, Purpose.VERIFY, 1, "01234567")
    assert not codes.match(stored, me, Purpose.RESET, 1, "01234568")
    assert not codes.match(stored, me, Purpose.RESET, 2, "01234567")
    assert not codes.match(stored, other, Purpose.RESET, 1, "01234567")
    assert not Codes(lambda: [b"another key"]).match(stored, me, Purpose.RESET, 1, "01234567")
    assert Codes(lambda: [b"another key", b"key"]).match(stored, me, Purpose.RESET, 1, "01234567")


def test_the_next_key_is_accepted_before_it_signs_and_the_last_one_after() -> None:
    last, following = Key.new(0.0), Key.new(1000.0)
    ring = Ring([last, following], overlap=600)
    assert [ring.at(now).signing for now in (0, 999, 1000, 5000)] == [last, last, following, following]
    assert ring.at(0).accepted == ring.at(1599).accepted == (last, following)
    assert ring.at(1600).accepted == (following,)
    assert ring.at(1200).signing_first == [following, last]


def test_a_file_holds_every_key_with_its_time_and_nobody_else_reads_it(tmp_path: Path) -> None:
    file, made = tmp_path / "key.pem", [Key.new(0.0), Key.new(1_800_000_000.0)]
    keys.write(file, made)
    assert keys.read(file) == made
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key.pem"]
    assert "signs-from: 2027-01-15T08:00:00+00:00\n-----BEGIN" in file.read_text()
    file.chmod(0o444)
    keys.write(file, made[1:])
    assert (keys.read(file), file.stat().st_mode & 0o777) == (made[1:], 0o444)


def test_a_file_that_is_no_good_changes_nothing(tmp_path: Path) -> None:
    file, made, other = tmp_path / "key.pem", Key.new(0.0), Key.new(0.0)
    keys.write(file, [made])
    followed = KeyFile(file, overlap=1)
    for content in ("no key", "", "signs-from: soon\n" + file.read_text()):
        file.write_text(content)
        assert followed.now().signing == made
    file.unlink()
    assert followed.now().signing == made
    keys.write(file, [other])
    assert followed.now().signing == other


def test_a_key_that_cannot_be_used_ends_the_program_with_its_name(tmp_path: Path) -> None:
    missing, broken, other = tmp_path / "missing.pem", tmp_path / "broken.pem", tmp_path / "other.pem"
    broken.write_text("no key")
    curve = generate_private_key(SECP256R1())
    other.write_bytes(curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    for file in (missing, broken, other):
        with pytest.raises(SystemExit, match=file.name):
            tokens.key_file(settings(file))
    with pytest.raises(Unusable):
        keys.read(other)


def settings(file: Path) -> AccountSettings:
    return AccountSettings(port=1, nats_url="", database_url="", redis_url="", signing_key_file=str(file))
