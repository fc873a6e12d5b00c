"""Signing in and staying signed in."""

import asyncio
import base64
import time
from typing import Any

import jwt
import pytest
from argon2 import PasswordHasher
from msgspec.structs import replace

from tests.integration.account.api import PASSWORD, Api
from tests.integration.account.conftest import serving
from tests.support import eventually, free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_logging_in_answers_a_pair_of_a_new_session(api: Api) -> None:
    me = await api.register(email="ann@example.com")
    answer = await api.login("ANN@example.com")
    assert answer.status == 200
    assert answer.account_id == me.account_id
    assert answer.headers["Cache-Control"] == "no-store"
    assert claims(answer.token)["sid"] != claims(me.token)["sid"]
    assert (await api.personal(answer.token)).status == 200


async def test_one_password_however_it_is_composed(api: Api) -> None:
    await api.register(email="ann@example.com", password="pässwörd ﬁne")
    assert (await api.login("ann@example.com", "pa\u0308sswo\u0308rd fine")).status == 200


async def test_an_unknown_user_and_a_wrong_password_look_the_same(api: Api) -> None:
    await api.register(email="ann@example.com")
    unknown = await api.login("nobody@example.com")
    wrong = await api.login("ann@example.com", "wrong horse battery")
    assert unknown.refusal == wrong.refusal == (401, "bad_credentials")
    assert without_trace(unknown.body) == without_trace(wrong.body)
    assert set(unknown.headers) == set(wrong.headers)


async def test_whatever_cannot_be_a_password_is_a_wrong_one(api: Api) -> None:
    await api.register(email="ann@example.com")
    for password in ("", "x", "\x00", "y" * 512):
        assert (await api.login("ann@example.com", password)).refusal == (401, "bad_credentials")
    assert (await api.login("no mailbox at all", PASSWORD)).refusal == (401, "bad_credentials")


async def test_a_hash_of_lower_cost_is_made_anew_at_login(api: Api) -> None:
    await api.register(email="ann@example.com")
    cheap = PasswordHasher(time_cost=1, memory_cost=16, parallelism=2).hash(PASSWORD)
    await api.db.execute("UPDATE accounts SET password_hash = $1", cheap)
    assert (await api.login("ann@example.com")).status == 200
    assert "p=1$" in await api.db.fetchval("SELECT password_hash FROM accounts")
    assert (await api.login("ann@example.com")).status == 200


async def test_refreshing_answers_a_new_pair_of_the_same_session(api: Api) -> None:
    me = await api.register()
    answer = await api.refresh(me.refresh)
    assert answer.status == 200
    assert answer.refresh != me.refresh
    assert answer.token != me.token
    assert claims(answer.token)["sid"] == claims(me.token)["sid"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert (await api.personal(answer.token)).status == 200


async def test_many_refreshes_at_once_have_one_successor(api: Api) -> None:
    me = await api.register()
    answers = await asyncio.gather(*(api.refresh(me.refresh) for _ in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.refresh for answer in answers}) == 1
    assert await api.db.fetchval("SELECT count(*) FROM refresh_tokens") == 2


async def test_a_lost_answer_can_be_asked_for_again(api: Api) -> None:
    me = await api.register()
    first, again = await api.refresh(me.refresh), await api.refresh(me.refresh)
    assert again.refresh == first.refresh
    assert (await api.refresh(again.refresh)).status == 200


async def test_a_spent_token_that_comes_again_after_the_grace_ends_the_session(api: Api) -> None:
    me = await api.register()
    successor = await api.refresh(me.refresh)
    await api.db.execute("UPDATE refresh_tokens SET rotated_at = rotated_at - interval '11 seconds'")
    assert (await api.refresh(me.refresh)).refusal == (401, "invalid_refresh_token")
    assert (await api.refresh(successor.refresh)).refusal == (401, "invalid_refresh_token")
    assert (await api.personal(successor.token)).status == 401
    assert await api.db.fetchval("SELECT revoked_for FROM sessions") == "reuse"


async def test_the_grace_ends_when_the_successor_is_used(api: Api) -> None:
    me = await api.register()
    second = await api.refresh(me.refresh)
    third = await api.refresh(second.refresh)
    assert third.status == 200
    assert (await api.refresh(me.refresh)).refusal == (401, "invalid_refresh_token")
    assert (await api.refresh(third.refresh)).refusal == (401, "invalid_refresh_token")


async def test_theft_in_one_session_does_not_end_another(api: Api) -> None:
    me = await api.register(email="ann@example.com")
    other = await api.login("ann@example.com")
    second = await api.refresh(me.refresh)
    await api.refresh(second.refresh)
    assert (await api.refresh(me.refresh)).status == 401
    assert (await api.refresh(other.refresh)).status == 200


async def test_an_expired_refresh_token_is_refused(api: Api) -> None:
    me = await api.register()
    await api.db.execute("UPDATE refresh_tokens SET expires_at = now()")
    assert (await api.refresh(me.refresh)).refusal == (401, "invalid_refresh_token")
    assert await api.db.fetchval("SELECT revoked_at FROM sessions") is None


async def test_no_token_stands_in_the_database(api: Api) -> None:
    me = await api.register()
    answer = await api.refresh(me.refresh)
    rows = await api.db.fetch("SELECT * FROM refresh_tokens")
    everything = b"".join(value for row in rows for value in row if isinstance(value, bytes))
    for token in (me.refresh, answer.refresh):
        assert token.encode() not in everything
        assert base64.urlsafe_b64decode(token + "=") not in everything


async def test_neither_token_passes_for_the_other(api: Api) -> None:
    me = await api.register()
    assert (await api.refresh(me.token)).refusal == (401, "invalid_refresh_token")
    assert (await api.personal(me.refresh)).refusal == (401, "unauthorized")


async def test_logging_out_ends_both_tokens_and_no_other_session(api: Api) -> None:
    me = await api.register(email="ann@example.com")
    other = await api.login("ann@example.com")
    assert (await api.call("POST", "/logout", token=me.token)).status == 204
    assert (await api.personal(me.token)).refusal == (401, "unauthorized")
    assert (await api.refresh(me.refresh)).refusal == (401, "invalid_refresh_token")
    assert (await api.call("POST", "/logout", token=me.token)).status == 401
    assert (await api.personal(other.token)).status == 200


async def test_an_inactive_account_is_out_at_once(api: Api) -> None:
    me = await api.register(email="ann@example.com")
    await api.db.execute("UPDATE accounts SET active = false")
    assert (await api.login("ann@example.com")).refusal == (403, "inactive")
    assert (await api.login("ann@example.com", "wrong password")).refusal == (401, "bad_credentials")
    assert (await api.refresh(me.refresh)).refusal == (401, "invalid_refresh_token")
    assert (await api.personal(me.token)).refusal == (401, "unauthorized")


async def test_settings_decide_how_long_tokens_live(api: Api) -> None:
    settings = replace(api.settings, port=free_port(), access_seconds=1, refresh_seconds=5)
    async with serving(settings) as brief:
        me = await brief.register(email="ann@example.com")
        seen = claims(me.token)
        assert seen["exp"] - seen["iat"] == me.body["expires_in"] == 1
        assert await api.db.fetchval(
            "SELECT (expires_at - issued_at) = interval '5 seconds' FROM refresh_tokens"
        )

        async def accepted() -> str:
            """One that was asked about within its life; on a busy machine the first ones are not."""
            token = (await brief.login("ann@example.com")).token
            return token if (await brief.personal(token)).status == 200 else ""

        token = await eventually(accepted)
        await eventually(lambda: time.time() > claims(token)["exp"])
        assert (await brief.personal(token)).refusal == (401, "unauthorized")


async def test_without_grace_every_repetition_is_a_theft(api: Api) -> None:
    async with serving(replace(api.settings, port=free_port(), refresh_grace_seconds=0)) as strict:
        me = await strict.register()
        successor = await strict.refresh(me.refresh)
        assert (await strict.refresh(me.refresh)).status == 401
        assert (await strict.refresh(successor.refresh)).status == 401


async def test_too_many_at_once_are_told_to_come_back(api: Api) -> None:
    settings = replace(api.settings, port=free_port(), password_memory_kib=4096, password_queue=0)
    async with serving(settings) as narrow:
        answers = await asyncio.gather(*(narrow.login("nobody@example.com") for _ in range(12)))
    assert {answer.status for answer in answers} == {401, 429}
    busy = next(answer for answer in answers if answer.status == 429)
    assert (busy.refusal, busy.headers["Retry-After"]) == ((429, "busy"), "1")


def claims(token: str) -> dict[str, Any]:
    seen: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return seen


def without_trace(body: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in body.items() if name != "trace_id"}
