"""Another key signs: nobody is refused on the way, and the old key is worth nothing in the end."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest
from msgspec.structs import replace

from account import keys
from account.keys import Key, Ring
from account.rotation import Rotation
from account.settings import AccountSettings
from common.http import keys as published
from common.http.auth import Unauthorized, Verifier
from tests.integration.account.api import Answer, Api, command
from tests.integration.account.conftest import serving
from tests.support import eventually, free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def changing(
    account_settings: AccountSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AccountSettings:
    """A key of its own, and lives so short that a change is over in seconds."""
    monkeypatch.setattr(published, "LOOK_SECONDS", 30.0)  # a busy machine is not away
    keys.write(tmp_path / "key.pem", [Key.new(0.0)])
    return replace(
        account_settings,
        port=free_port(),
        signing_key_file=str(tmp_path / "key.pem"),
        access_seconds=5,
        code_seconds=5.0,
        key_margin_seconds=5.0,
    )


async def test_tokens_of_before_during_and_after_a_change_count_everywhere_until_they_expire(
    api: Api, changing: AccountSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two replicas, and two verifiers elsewhere: one that knows, one that has just begun."""
    monkeypatch.setattr(published, "UNKNOWN_SECONDS", 1.0)
    monkeypatch.setattr(published, "STALE_SECONDS", 2.0)
    file = Path(changing.signing_key_file)
    [old] = keys.read(file)
    async with serving(changing) as one, serving(replace(changing, port=free_port())) as two:
        me, elsewhere = await one.register(), verifier(one)
        with unless_over(me.token):
            await elsewhere.caller(me.token)
        rotation = Rotation(file, changing, lambda _line: None)
        rotation.begin()
        [_, new] = keys.read(file)
        over = Ring([old, new], rotation.overlap).over_at(old)
        seen: list[str] = []
        tokens: list[str] = [me.token]
        while time.time() < over:
            for replica, other in ((one, two), (two, one)):
                me = await replica.refresh(me.refresh)
                assert me.status == 200
                tokens.append(me.token)
                seen.append(kid(me))
                issued_at = expiry(me.token) - changing.access_seconds
                assert kid(me) == old.kid or issued_at >= int(new.signs_from), "not before its time"
                with unless_over(me.token):
                    assert (await other.personal(me.token)).status == 200
            begun_just_now = verifier(two)
            tokens = [token for token in tokens if expiry(token) > time.time()]
            for token in tokens:
                for each in (elsewhere, begun_just_now):
                    with unless_over(token):
                        assert (await each.caller(token)).account_id == me.account_id
        assert seen[-1] == new.kid
        await refused_by_all(old, me, (one, two), elsewhere)
        assert [key["kid"] for key in (await two.call("GET", "/jwks")).body["keys"]] == [new.kid]
        await asyncio.to_thread(rotation.finish)
        assert keys.read(file) == [new]
        me = await two.refresh(me.refresh)
        with unless_over(me.token):
            assert (await one.personal(me.token)).status == 200
            await elsewhere.caller(me.token)


@contextmanager
def unless_over(token: str) -> Iterator[None]:
    """A question may take longer than the token has to live; then it is refused, and rightly."""
    try:
        yield
    except (AssertionError, Unauthorized):
        if expiry(token) > time.time():
            raise


async def refused_by_all(old: Key, me: Answer, replicas: tuple[Api, Api], elsewhere: Verifier) -> None:
    """Somebody has the old key, and signs on with it."""
    claims: dict[str, Any] = jwt.decode(me.token, options={"verify_signature": False})
    now = int(time.time())
    forged = jwt.encode(
        claims | {"iat": now, "exp": now + 3600}, old.private, "EdDSA", headers={"kid": old.kid}
    )

    async def all_refuse() -> bool:
        for replica in replicas:
            assert (await replica.personal(forged)).status == 401
        return await refuses(elsewhere, forged)

    await eventually(all_refuse)


async def refuses(verifier: Verifier, token: str) -> bool:
    try:
        await verifier.caller(token)
    except Unauthorized:
        return True
    return False


async def test_a_key_that_was_stolen_ends_at_once(
    api: Api, changing: AccountSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "STALE_SECONDS", 0.5)
    file = Path(changing.signing_key_file)
    [old] = keys.read(file)
    lasting = replace(changing, access_seconds=600)
    async with serving(lasting) as one, serving(replace(lasting, port=free_port())) as two:
        me, elsewhere = await one.register(), verifier(one)
        await elsewhere.caller(me.token)
        Rotation(file, lasting, lambda _line: None).replace()
        await eventually(lambda: changed_at(one, old))
        await eventually(lambda: changed_at(two, old))
        await refused_by_all(old, me, (one, two), elsewhere)
        renewed = await two.refresh(me.refresh)
        assert (await one.personal(renewed.token)).status == 200


async def test_codes_survive_a_change_of_keys(api: Api, changing: AccountSettings) -> None:
    patient = replace(changing, access_seconds=600, code_seconds=600.0, key_margin_seconds=0.0)
    async with serving(patient) as before:
        me = await before.register()
    Rotation(Path(patient.signing_key_file), patient, lambda _line: None).begin()
    async with serving(patient) as after:
        renewed = await after.refresh(me.refresh)
        assert kid(renewed) != kid(me)
        assert (await after.verify(await after.code(me.account_id), renewed.token)).status == 200


async def test_the_command_changes_the_key_and_says_when(api: Api, changing: AccountSettings) -> None:
    file = Path(changing.signing_key_file)
    [first] = keys.read(file)
    slowly = replace(changing, key_margin_seconds=300.0)
    begun = await command("account.rotation", slowly, "--detach")
    assert (begun.returncode, begun.stderr) == (0, "")
    [_, second] = keys.read(file)
    assert [line.split()[1] for line in begun.stdout.splitlines()] == [second.kid, first.kid]
    twice = await command("account.rotation", slowly)
    assert (twice.returncode, len(keys.read(file))) == (1, 2)
    assert f"key {second.kid} has yet to sign" in twice.stderr
    keys.write(file, [Key(second.raw)])
    waited = await command(
        "account.rotation", replace(changing, access_seconds=1, code_seconds=1.0, key_margin_seconds=0.1)
    )
    assert (waited.returncode, waited.stderr) == (0, "")
    [last] = keys.read(file)
    assert waited.stdout.splitlines()[-1] == f"key {last.kid} is the only one left"
    assert last.kid not in {first.kid, second.kid}
    stolen = await command("account.rotation", changing, "--compromised")
    [fresh] = keys.read(file)
    assert fresh.kid in stolen.stdout
    assert fresh != last
    missing = replace(changing, signing_key_file=f"{file}.missing")
    failed = await command("account.rotation", missing)
    assert (failed.returncode, failed.stderr.count("\n")) == (1, 1)


async def changed_at(replica: Api, old: Key) -> bool:
    shown = [key["kid"] for key in (await replica.call("GET", "/jwks")).body["keys"]]
    return old.kid not in shown


def verifier(replica: Api) -> Verifier:
    url = f"http://127.0.0.1:{replica.settings.port}/api/v1/account/jwks"
    return Verifier(url, issuer="shop", audience="shop")


def kid(answer: Answer) -> str:
    return str(jwt.get_unverified_header(answer.token)["kid"])


def expiry(token: str) -> float:
    return float(jwt.decode(token, options={"verify_signature": False})["exp"])
