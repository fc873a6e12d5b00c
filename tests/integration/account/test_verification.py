"""Proving a mailbox."""

import asyncio

import jwt
import pytest
from msgspec.structs import replace

from common.contracts.account import AccountChanged, VerificationRequested
from tests.integration.account.api import Api, wrong
from tests.integration.account.conftest import serving
from tests.support import free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_mailed_code_verifies_and_answers_a_new_pair(api: Api) -> None:
    me = await api.register()
    answer = await api.verify(await api.code(me.account_id), me.token)
    assert answer.status == 200
    assert answer.body["account"]["verified"] is True
    claims = jwt.decode(answer.token, options={"verify_signature": False})
    assert claims["verified"] is True
    assert claims["sid"] == jwt.decode(me.token, options={"verify_signature": False})["sid"]
    assert (await api.refresh(answer.refresh)).status == 200
    [changed] = await api.said(AccountChanged)
    assert (changed.entity_id, changed.version, changed.verified) == (me.account_id, 2, True)


async def test_the_pair_of_before_goes_on_and_learns_of_it_at_its_refresh(api: Api) -> None:
    me = await api.register()
    await api.verify(await api.code(me.account_id), me.token)
    assert (await api.personal(me.token)).body["verified"] is True
    assert (await api.refresh(me.refresh)).body["account"]["verified"] is True


async def test_a_code_verifies_once(api: Api) -> None:
    me = await api.register()
    code = await api.code(me.account_id)
    answers = await asyncio.gather(*(api.verify(code, me.token) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [200, 422, 422, 422, 422]
    assert (await api.verify(code, me.token)).refusal == (422, "invalid_code")
    assert len(await api.said(AccountChanged)) == 1


async def test_five_wrong_guesses_kill_a_code_also_side_by_side(api: Api) -> None:
    me = await api.register()
    code = await api.code(me.account_id)
    guesses = await asyncio.gather(*(api.verify(wrong(code), me.token) for _ in range(12)))
    assert {guess.refusal for guess in guesses} == {(422, "invalid_code")}
    assert await api.db.fetchval("SELECT attempts FROM codes") == 5
    assert (await api.verify(code, me.token)).refusal == (422, "invalid_code")


async def test_four_wrong_guesses_do_not(api: Api) -> None:
    me = await api.register()
    code = await api.code(me.account_id)
    for _ in range(4):
        assert (await api.verify(wrong(code), me.token)).status == 422
    assert (await api.verify(code, me.token)).status == 200


async def test_a_code_is_its_accounts_own(api: Api) -> None:
    me, other = await api.register(), await api.register()
    assert (await api.verify(await api.code(other.account_id), me.token)).status == 422


async def test_an_expired_code_is_refused(api: Api) -> None:
    me = await api.register()
    await api.db.execute("UPDATE codes SET expires_at = now()")
    assert (await api.verify(await api.code(me.account_id), me.token)).refusal == (422, "invalid_code")


@pytest.mark.parametrize("code", ["1234567", "123456789", "1234567a", "", "12345678\n", "١٢٣٤٥٦٧٨"])
async def test_what_is_no_code_uses_up_no_guess(api: Api, code: str) -> None:
    me = await api.register()
    assert (await api.verify(code, me.token)).status == 400
    assert await api.db.fetchval("SELECT attempts FROM codes") == 0


async def test_codes_are_stored_keyed_not_in_clear(api: Api) -> None:
    me = await api.register()
    stored = await api.db.fetchval("SELECT hash FROM codes")
    assert len(stored) == 32
    assert (await api.code(me.account_id)).encode() not in stored


async def test_another_code_kills_the_one_before(api: Api) -> None:
    me = await api.register()
    old = await api.code(me.account_id)
    assert (await api.call("POST", "/verify/resend", token=me.token)).status == 202
    new = await api.code(me.account_id)
    assert [each.version for each in await api.said(VerificationRequested)] == [1, 2]
    if old != new:
        assert (await api.verify(old, me.token)).status == 422
    assert (await api.verify(new, me.token)).status == 200


async def test_three_codes_an_hour_then_wait(api: Api) -> None:
    me = await api.register()
    answers = await asyncio.gather(*(api.call("POST", "/verify/resend", token=me.token) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [202, 202, 429, 429, 429]
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.refusal == (429, "too_many_codes")
    assert 3500 < int(refused.headers["Retry-After"]) <= 3600
    await api.db.execute("UPDATE codes SET created_at = now() - interval '61 minutes' WHERE number = 1")
    assert (await api.call("POST", "/verify/resend", token=me.token)).status == 202


async def test_who_is_verified_needs_no_code(api: Api) -> None:
    me = await api.register()
    await api.verify(await api.code(me.account_id), me.token)
    again = await api.call("POST", "/verify/resend", token=me.token)
    assert again.refusal == (409, "already_verified")


async def test_what_one_replica_gives_counts_at_the_other(api: Api) -> None:
    me = await api.register()
    async with serving(replace(api.settings, port=free_port())) as beside:
        assert (await beside.verify(await api.code(me.account_id), me.token)).status == 200
        assert (await beside.refresh(me.refresh)).status == 200
        assert (await beside.call("POST", "/logout", token=me.token)).status == 204
    assert (await api.personal(me.token)).status == 401
