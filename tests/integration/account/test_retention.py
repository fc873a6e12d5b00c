"""What is over for long enough is deleted; what anybody may still need stays."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from msgspec.structs import replace

from account import retention
from account.retention import Retention
from common.contracts.account import VerificationRequested
from common.postgres.database import Database
from tests.integration.account.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

COUNTS = """
SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM refresh_tokens), (SELECT count(*) FROM codes)
"""


async def age(api: Api, interval: str) -> None:
    """As if all of it had happened so much earlier."""
    for table, columns in {
        "sessions": ("created_at", "revoked_at"),
        "refresh_tokens": ("issued_at", "expires_at", "rotated_at"),
        "codes": ("created_at", "expires_at", "used_at"),
    }.items():
        earlier = ", ".join(f"{column} = {column} - interval '{interval}'" for column in columns)
        await api.db.execute(f"UPDATE {table} SET {earlier}")


@pytest_asyncio.fixture(loop_scope="module")
async def sweeping(api: Api) -> AsyncIterator[Retention]:
    async with Database.connect(api.settings.database_url, size=4, name="test") as db:
        yield Retention(db, api.settings)


async def counts(api: Api) -> tuple[int, ...]:
    row = await api.db.fetchrow(COUNTS)
    assert row is not None
    return tuple(row)


async def test_ended_sessions_and_codes_go_and_the_rest_stays(api: Api, sweeping: Retention) -> None:
    ended = await api.register()
    await api.call("POST", "/logout", token=ended.token)
    live = await api.register()
    renewed = await api.refresh(live.refresh)
    assert await counts(api) == (2, 3, 2)
    assert await sweeping.sweep() == 0
    await age(api, "1 day 9 minutes")
    assert await sweeping.sweep() == 0
    await age(api, "2 minutes")
    assert await sweeping.sweep() == 2
    assert await counts(api) == (2, 3, 0)
    await age(api, "28 days")
    assert await sweeping.sweep() == 0, "30 days are not over"
    await age(api, "1 day")
    assert await sweeping.sweep() == 1
    assert await counts(api) == (1, 2, 0)
    assert (await api.refresh(renewed.refresh)).status == 401, "it has expired"
    await age(api, "30 days")
    assert await sweeping.sweep() == 3, "two tokens, and the session nobody can go on with"
    assert await counts(api) == (0, 0, 0)


async def test_a_session_that_is_used_stays_however_old_it_is(api: Api, sweeping: Retention) -> None:
    me = await api.register()
    for _ in range(4):
        await age(api, "20 days")
        me = await api.refresh(me.refresh)
        assert me.status == 200
        await sweeping.sweep()
    assert (await api.personal(me.token)).status == 200
    assert (await counts(api))[:2] == (1, 3), "the first two have been over for 30 days"


async def test_the_number_of_a_code_never_comes_again(api: Api, sweeping: Retention) -> None:
    """It is the id of the mail: one that came again would be taken for a repetition, and not be sent."""
    me = await api.register()
    await age(api, "2 days")
    await sweeping.sweep()
    assert (await api.call("POST", "/verify/resend", token=me.token)).status == 202
    assert [each.version for each in await api.said(VerificationRequested)] == [1, 2]


async def test_several_may_sweep_at_once_in_small_steps(
    api: Api, sweeping: Retention, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 7)
    await api.register(email="ann@example.com")
    await api.db.execute(
        "INSERT INTO codes (account_id, purpose, number, hash, expires_at)"
        " SELECT id, 'verify', n, 'x', now() - interval '2 days' FROM accounts, generate_series(2, 101) AS n"
    )
    swept = await asyncio.gather(*(sweeping.sweep() for _ in range(3)))
    assert sum(swept) == 100
    assert (await counts(api))[2] == 1


async def test_codes_are_kept_for_the_hour_within_which_they_count(api: Api, sweeping: Retention) -> None:
    me = await api.register()
    await age(api, "30 minutes")
    eager = Retention(sweeping.db, replace(api.settings, keep_codes_days=0.0))
    assert await eager.sweep() == 0
    for status in (202, 202, 429):
        assert (await api.call("POST", "/verify/resend", token=me.token)).status == status
