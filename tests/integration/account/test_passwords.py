"""Another password, with the one of before."""

import asyncio
from typing import Any

import jwt
import pytest

from account.passwords import COMMON
from common.contracts.account import (
    AccountChanged,
    PasswordChanged,
    SessionEnded,
)
from tests.integration.account.api import OTHER_PASSWORD, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

EMAIL = "ann@example.com"
COMMON_ONES = [
    "password1",
    "Password1",
    "PASSWORD123",
    "qwertyuiop",
    "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff441",
]


async def test_a_change_keeps_this_session_with_a_new_pair_and_ends_all_others(api: Api) -> None:
    me, other = await api.register(email=EMAIL), await api.login(EMAIL)
    answer = await api.change_password(me.token)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert claims(answer.token)["sid"] == claims(me.token)["sid"]
    assert (await api.personal(answer.token)).status == 200
    assert (await api.refresh(answer.refresh)).status == 200
    for dead in (me, other):
        assert (await api.personal(dead.token)).refusal == (401, "unauthorized")
        assert (await api.refresh(dead.refresh)).refusal == (401, "invalid_refresh_token")
    assert (await api.login(EMAIL)).refusal == (401, "bad_credentials")
    assert (await api.login(EMAIL, OTHER_PASSWORD)).status == 200


async def test_a_change_is_said_with_its_least_version_and_every_session_that_ended(api: Api) -> None:
    me, other = await api.register(email=EMAIL), await api.login(EMAIL)
    await api.change_password(me.token)
    [changed] = await api.said(AccountChanged)
    assert (changed.version, changed.least_version) == (2, 2)
    [told] = await api.said(PasswordChanged)
    assert (told.entity_id, told.version, told.email, told.first_name) == (me.account_id, 2, EMAIL, "Ann")
    [ended] = await api.said(SessionEnded)
    assert (str(ended.entity_id), ended.account_id) == (claims(other.token)["sid"], me.account_id)


async def test_without_the_current_password_nothing_changes(api: Api) -> None:
    me = await api.register(email=EMAIL)
    for guess in ("wrong horse battery", "", "x" * 512):
        assert (await api.change_password(me.token, guess)).refusal == (422, "wrong_password")
    assert await api.said(AccountChanged) == []
    assert (await api.login(EMAIL)).status == 200


@pytest.mark.parametrize("new", ["short", "x" * 129, "", 12345678])
async def test_a_password_has_8_to_128_characters(api: Api, new: Any) -> None:
    me = await api.register()
    assert (await api.change_password(me.token, new=new)).refusal == (400, "invalid")


@pytest.mark.parametrize("common", COMMON_ONES)
async def test_what_everybody_would_try_is_no_password(api: Api, common: str) -> None:
    assert (await api.register(password=common)).refusal == (422, "password_too_common")
    me = await api.register(email=EMAIL)
    refused = await api.change_password(me.token, new=common)
    assert refused.refusal == (422, "password_too_common")
    assert (await api.reset_password(EMAIL, "00000000", common)).refusal == (422, "password_too_common")
    assert len(COMMON.read_text().splitlines()) > 11_000


async def test_of_two_changes_at_once_one_counts(api: Api) -> None:
    me = await api.register(email=EMAIL)
    news = [f"horse number {n}" for n in range(4)]
    answers = await asyncio.gather(*(api.change_password(me.token, new=new) for new in news))
    assert min(answer.status for answer in answers) == 200
    assert {answer.status for answer in answers} <= {200, 401, 422}
    [winner] = [new for new, answer in zip(news, answers, strict=True) if answer.status == 200]
    assert [(await api.login(EMAIL, new)).status == 200 for new in news] == [new == winner for new in news]


async def test_a_refresh_during_the_change_leaves_no_token_behind(api: Api) -> None:
    """Whoever has a stolen token and exchanges it at that very moment must not stay."""
    for round_number in range(8):
        me = await api.register()
        changing, *stolen = await asyncio.gather(
            api.change_password(me.token), *(api.refresh(me.refresh) for _ in range(1 + round_number % 3))
        )
        assert changing.status == 200
        for each in stolen:
            if each.status == 200:
                assert (await api.refresh(each.refresh)).status == 401
                assert (await api.personal(each.token)).status == 401
        assert (await api.refresh(changing.refresh)).status == 200


async def test_a_login_during_the_change_with_the_old_password_leaves_no_session_behind(api: Api) -> None:
    for _ in range(8):
        me = await api.register()
        email = me.body["account"]["email"]
        changing, *logins = await asyncio.gather(
            api.change_password(me.token), *(api.login(email) for _ in range(3))
        )
        assert changing.status == 200
        for each in logins:
            if each.status == 200:
                assert (await api.personal(each.token)).status == 401
                assert (await api.refresh(each.refresh)).status == 401
            else:
                assert each.refusal == (401, "bad_credentials")


def claims(token: str) -> dict[str, Any]:
    seen: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return seen
