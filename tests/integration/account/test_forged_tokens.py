"""Attacks on real routes with tokens that somebody made himself (security 5.2)."""

import json

import pytest

from common.http import keys
from tests.integration.account.api import Api
from tests.integration.account.forge import Forge
from tests.integration.account.forgeries import FORGED

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_forged_tokens_are_refused(api: Api) -> None:
    """Each against a route that reads, one that ends sessions, and one that only administrators have."""
    forge = Forge(api.settings, await api.register())
    for token in (forge.signed(), forge.signed_raw(forge.head, json.dumps(forge.claims).encode())):
        assert (await api.personal(token)).status == 200, "the forge itself works"
    assert len(FORGED) >= 100
    for name, forged in FORGED.items():
        token = forged(forge)
        for method, path in (("GET", "/customer/personal"), ("DELETE", "/sessions"), ("GET", "/accounts")):
            answer = await api.call(method, path, token=token)
            assert (answer.status, name, path) == (401, name, path)
            assert answer.refusal == (401, "unauthorized")
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert (await api.personal(forge.mine)).status == 200, "and nothing of it stays"


async def test_no_access_token_passes_for_a_refresh_token(api: Api) -> None:
    """Whatever poses as a refresh token is refused as one, or for its form; nothing of it is looked into."""
    forge = Forge(api.settings, await api.register())
    for name, forged in FORGED.items():
        token = forged(forge)
        if token != forge.refresh:
            assert (await api.refresh(token)).status in {400, 401}, name
    assert (await api.refresh(forge.mine)).refusal == (401, "invalid_refresh_token")
    assert (await api.refresh(forge.refresh)).status == 200


async def test_what_a_token_says_of_its_role_does_not_count_here(api: Api) -> None:
    """Even the real key cannot make an administrator: the account is asked."""
    forge = Forge(api.settings, await api.register())
    answer = await api.call("GET", "/accounts", token=forge.signed(role="admin", verified=True, ver=99))
    assert answer.refusal == (403, "forbidden")


async def test_a_token_of_a_version_too_old_is_refused(api: Api) -> None:
    forge = Forge(api.settings, await api.register())
    await api.db.execute("UPDATE accounts SET version = 5, least_version = 4")
    assert (await api.personal(forge.signed(ver=3))).refusal == (401, "unauthorized")
    assert (await api.personal(forge.signed(ver=4))).status == 200


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
async def test_an_unknown_key_is_asked_for_nowhere(
    api: Api, kid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge = Forge(api.settings, await api.register())
    asked: list[str] = []
    monkeypatch.setattr(keys, "fetched", asked.append)
    for _ in range(20):
        assert (await api.personal(forge.signed(header={"kid": kid}))).status == 401
    assert asked == []
