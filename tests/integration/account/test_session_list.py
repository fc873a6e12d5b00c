"""Where somebody is signed in, and ending it."""

import asyncio

import pytest

from common.contracts.account import SessionEnded
from tests.integration.account.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

EMAIL = "ann@example.com"


async def test_everyone_sees_where_he_is_signed_in_and_which_it_is(api: Api) -> None:
    me = await api.register(email=EMAIL)
    headers = {"User-Agent": "Ann's telephone"}
    body = {"email": EMAIL, "password": "correct horse battery"}
    await api.send("POST", "/login", json=body, headers=headers)
    await api.register()
    telephone, first = await api.sessions(me.token)
    assert set(first) == {"id", "user_agent", "created_at", "last_used_at", "current"}
    assert (telephone["user_agent"], telephone["current"], first["current"]) == (
        "Ann's telephone",
        False,
        True,
    )
    assert first["created_at"] == first["last_used_at"]
    await api.refresh(me.refresh)
    [_, first] = await api.sessions(me.token)
    assert first["created_at"] < first["last_used_at"]


async def test_only_live_ones_are_seen(api: Api) -> None:
    me, ended, expired = await api.register(email=EMAIL), await api.login(EMAIL), await api.login(EMAIL)
    await api.call("POST", "/logout", token=ended.token)
    await api.db.execute(
        "UPDATE refresh_tokens SET expires_at = now()"
        " WHERE session_id = (SELECT id FROM sessions ORDER BY id DESC LIMIT 1)"
    )
    assert [each["current"] for each in await api.sessions(me.token)] == [True]
    assert (await api.refresh(expired.refresh)).status == 401


async def test_a_long_list_comes_in_pages(api: Api) -> None:
    me = await api.register(email=EMAIL)
    for _ in range(4):
        await api.login(EMAIL)
    seen, cursor = [], ""
    while True:
        page = (await api.call("GET", f"/sessions?limit=2{cursor}", token=me.token)).body
        seen += [each["id"] for each in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == 5


async def test_one_can_be_ended_from_another(api: Api) -> None:
    me, lost = await api.register(email=EMAIL), await api.login(EMAIL)
    [session, _] = await api.sessions(me.token)
    assert (await api.call("DELETE", f"/sessions/{session['id']}", token=me.token)).status == 204
    assert (await api.personal(lost.token)).refusal == (401, "unauthorized")
    assert (await api.refresh(lost.refresh)).refusal == (401, "invalid_refresh_token")
    assert (await api.personal(me.token)).status == 200
    [said] = await api.said(SessionEnded)
    assert (str(said.entity_id), said.version, said.account_id) == (session["id"], 1, me.account_id)


async def test_what_is_not_ones_own_or_has_ended_is_not_there(api: Api) -> None:
    me, other = await api.register(email=EMAIL), await api.register()
    [theirs] = await api.sessions(other.token)
    unknown = "01900000-0000-7000-8000-000000000000"
    refused = [await api.call("DELETE", f"/sessions/{i}", token=me.token) for i in (theirs["id"], unknown)]
    assert {answer.refusal for answer in refused} == {(404, "not_found")}
    assert len({answer.body["detail"] for answer in refused}) == 1
    assert (await api.personal(other.token)).status == 200
    second = await api.login(EMAIL)
    [session, _] = await api.sessions(me.token)
    path = f"/sessions/{session['id']}"
    ends = await asyncio.gather(*(api.call("DELETE", path, token=me.token) for _ in range(4)))
    assert sorted(answer.status for answer in ends) == [204, 404, 404, 404]
    assert len(await api.said(SessionEnded)) == 1
    assert (await api.personal(second.token)).status == 401


async def test_all_others_can_be_ended_at_once(api: Api) -> None:
    me, *others = [await api.register(email=EMAIL), *[await api.login(EMAIL) for _ in range(3)]]
    stranger = await api.register()
    assert (await api.call("DELETE", "/sessions", token=me.token)).status == 204
    assert [(await api.personal(each.token)).status for each in others] == [401, 401, 401]
    assert [(await api.personal(each.token)).status for each in (me, stranger)] == [200, 200]
    assert [each["current"] for each in await api.sessions(me.token)] == [True]
    assert len(await api.said(SessionEnded)) == 3


async def test_every_end_is_said_once(api: Api) -> None:
    by_logout, by_theft = await api.register(), await api.register()
    ends = await asyncio.gather(
        *(api.call("POST", "/logout", token=by_logout.token) for _ in range(4)),
    )
    assert 204 in {answer.status for answer in ends}
    second = await api.refresh(by_theft.refresh)
    await api.refresh(second.refresh)
    assert (await api.refresh(by_theft.refresh)).status == 401
    assert [each.account_id for each in await api.said(SessionEnded)] == [
        by_logout.account_id,
        by_theft.account_id,
    ]
