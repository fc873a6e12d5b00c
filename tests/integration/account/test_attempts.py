"""Guessing and flooding: what is let through, to whom, and what nobody can learn or change by it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import redis.asyncio
from msgspec.structs import replace

from account import attempts
from account.settings import AccountSettings
from common.limits.model import Bucket, Limit
from tests.integration.account.api import PASSWORD, Answer, Api, wrong
from tests.integration.account.conftest import EMPTY, serving
from tests.integration.patience import forget_everything, patient
from tests.servers import Servers
from tests.support import eventually, free_port

PER_ACCOUNT, PER_ADDRESS = 4, 12
FIRST_WAIT = 60.0
"""So that a slow machine does not outwait a wait, and nobody here waits for its end."""
LIMIT = Limit("login:account", 1, 1, 1, 1)
LIMITED = (429, "too_many_tries")
BAD = (401, "bad_credentials")

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def strict(account_settings: AccountSettings, servers: Servers) -> AsyncIterator[Api]:
    """The next proxy is this test, at 127.0.0.1."""
    settings = replace(
        account_settings, port=free_port(), tries_per_account=PER_ACCOUNT, tries_per_address=PER_ADDRESS
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(attempts, "FIRST_WAIT", FIRST_WAIT)
        patched.setattr(attempts, "LONGEST_WAIT", 10 * FIRST_WAIT)
        patient(patched)
        async with serving(settings, servers.owner_url(settings.database_url)) as api:
            yield api
    await forget_everything(settings.redis_url)


@pytest_asyncio.fixture(loop_scope="module")
async def api(strict: Api) -> Api:
    await forget_everything(strict.settings.redis_url)
    await strict.db.execute(EMPTY)
    return strict


async def login(api: Api, email: str, *, at: str = "203.0.113.1", password: str = "wrong") -> Answer:
    body = {"email": email, "password": password}
    return await api.send("POST", "/login", json=body, headers={"X-Forwarded-For": at})


async def signs_in(api: Api, *, at: str = "203.0.113.1") -> None:
    """And is forgiven: that happens after the answer."""
    assert (await login(api, "ann@example.com", at=at, password=PASSWORD)).status == 200

    async def is_forgiven() -> bool:
        async with redis.asyncio.from_url(api.settings.redis_url) as client:
            return not await client.exists(Bucket(LIMIT, "ann@example.com").key)

    await eventually(is_forgiven)


async def test_guesses_beyond_the_free_ones_have_to_wait_longer_and_longer(api: Api) -> None:
    seen = [await login(api, "ann@example.com", at=f"203.0.113.{n}") for n in range(PER_ACCOUNT + 3)]
    assert [each.refusal for each in seen] == [BAD] * (PER_ACCOUNT + 1) + [LIMITED] * 2
    assert FIRST_WAIT / 2 < int(seen[-1].headers["Retry-After"]) <= FIRST_WAIT
    await refused_otherwise_after_the_wait(api, "ann@example.com", BAD)
    last = await login(api, "ann@example.com", at="203.0.113.99")
    assert last.refusal == LIMITED
    assert int(last.headers["Retry-After"]) > FIRST_WAIT


async def refused_otherwise_after_the_wait(api: Api, email: str, refusal: tuple[int, str]) -> None:
    """The gates would open by themselves; a minute is not waited for."""
    async with redis.asyncio.from_url(api.settings.redis_url) as client:
        gates = [key async for key in client.scan_iter("limits:*:gate")]
        assert gates
        assert all([0 < await client.pttl(gate) <= 1000 * FIRST_WAIT for gate in gates])
        await client.delete(*gates)
    assert (await login(api, email, at="203.0.113.98")).refusal == refusal


async def test_no_number_of_guesses_at_once_gets_more(api: Api) -> None:
    tries = [login(api, "ann@example.com", at=f"203.0.113.{n}") for n in range(30)]
    seen = [each.refusal for each in await asyncio.gather(*tries)]
    assert seen.count(BAD) == PER_ACCOUNT + 1


async def test_a_limit_does_not_tell_whether_there_is_an_account(api: Api) -> None:
    await api.register(email="ann@example.com")
    answers = [
        [await login(api, email, at=f"203.0.113.{n}") for n in range(PER_ACCOUNT + 3)]
        for email in ("ann@example.com", "nobody@example.com")
    ]
    for known, unknown in zip(*answers, strict=True):
        assert known.status == unknown.status
        assert {**known.body, "trace_id": ""} == {**unknown.body, "trace_id": ""}
        assert known.headers.keys() == unknown.headers.keys()


async def test_signing_in_forgets_the_accounts_guesses(api: Api) -> None:
    await api.register(email="ann@example.com")
    for _ in range(3):
        for _ in range(PER_ACCOUNT - 1):
            assert (await login(api, "ann@example.com")).refusal == BAD
        await signs_in(api)


async def test_but_not_the_addresss(api: Api) -> None:
    await api.register(email="ann@example.com")
    for number in range(PER_ADDRESS):
        assert (await login(api, f"{number}@example.com")).refusal == BAD
        await signs_in(api, at="203.0.113.9")
    await signs_in(api)
    assert (await login(api, "ann@example.com", password=PASSWORD)).refusal == LIMITED
    await signs_in(api, at="203.0.113.9")


async def test_whoever_signs_in_all_day_is_never_limited(api: Api) -> None:
    await api.register(email="ann@example.com")
    for _ in range(2 * PER_ADDRESS):
        await signs_in(api)


async def test_guesses_from_elsewhere_do_not_lock_a_customer_out_at_home(api: Api) -> None:
    await api.register(email="ann@example.com")
    await signs_in(api, at="198.51.100.1")
    for number in range(20):
        await login(api, "ann@example.com", at=f"203.0.113.{number}")
    assert (await login(api, "ann@example.com", at="203.0.113.77")).refusal == LIMITED
    await signs_in(api, at="198.51.100.1")


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "Client-IP"])
async def test_what_a_client_writes_about_its_address_changes_nothing(api: Api, name: str) -> None:
    """Left of what the proxy adds, and in any other header."""

    async def guess(number: int) -> Answer:
        forged = f"for=10.9.8.{number}" if name == "Forwarded" else f"10.9.8.{number}"
        headers = [(name, forged), ("X-Forwarded-For", "203.0.113.1")]
        body = {"email": f"{number}@example.com", "password": "wrong"}
        return await api.send("POST", "/login", json=body, headers=headers)

    seen = [(await guess(number)).refusal for number in range(PER_ADDRESS + 2)]
    assert seen == [BAD] * (PER_ADDRESS + 1) + [LIMITED]


async def test_codes_registrations_and_refreshes_have_limits_of_their_own(api: Api) -> None:
    me = await api.register(email="ann@example.com")
    code = wrong(await api.code(me.account_id))
    verifying = [(await api.verify(code, me.token)).refusal for _ in range(PER_ACCOUNT + 2)]
    assert verifying == [(422, "invalid_code")] * (PER_ACCOUNT + 1) + [LIMITED]
    resending = [
        (await api.call("POST", "/verify/resend", token=me.token)).status for _ in range(PER_ACCOUNT + 2)
    ]
    assert resending[-1] == 429
    refreshing = [(await api.refresh("x" * 43)).refusal for _ in range(PER_ADDRESS + 2)]
    assert refreshing == [(401, "invalid_refresh_token")] * (PER_ADDRESS + 1) + [LIMITED]
    registering = [(await api.register(email="bob@example.com")).status for _ in range(PER_ACCOUNT + 2)]
    assert registering == [201] + [409] * PER_ACCOUNT + [429]
    assert (await api.login("ann@example.com")).status == 200, "each has its own"


async def test_all_the_world_together_is_slowed_down_and_goes_on(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "PACE", FIRST_WAIT)
    settings = replace(api.settings, port=free_port(), tries_together=5)
    async with serving(settings) as narrow:
        tries = [login(narrow, f"{n}@example.com", at=f"203.0.113.{n}") for n in range(20)]
        seen = [each.refusal for each in await asyncio.gather(*tries)]
        assert seen.count(BAD) == 6
        await refused_otherwise_after_the_wait(narrow, "new@example.com", BAD)


async def test_without_redis_it_is_stricter_slower_and_works(api: Api, servers: Servers) -> None:
    await api.register(email="ann@example.com")
    servers.stop_process("redis")
    try:
        assert (await api.login("ann@example.com")).status == 200
        seen = [(await login(api, "bob@example.com", at=f"203.0.113.{n}")).refusal for n in range(4)]
        assert seen == [BAD, BAD, LIMITED, LIMITED]

        async def is_degraded() -> bool:
            """Each dependency is given less than a second, Postgres too."""
            async with api.client.get("/readyz") as response:
                ready = await response.json()
            assert (response.status, ready["status"]) == (200, "degraded")
            return bool(not ready["checks"]["redis"]["ok"])

        await eventually(is_degraded)
    finally:
        servers.start_process("redis")

    async def counted_together_again() -> bool:
        await login(api, "carol@example.com")
        async with redis.asyncio.from_url(api.settings.redis_url) as client:
            return bool([key async for key in client.scan_iter("limits:*")])

    await eventually(counted_together_again, every=0.2)


async def test_redis_learns_no_name(api: Api) -> None:
    await login(api, "ann@example.com")
    async with redis.asyncio.from_url(api.settings.redis_url) as client:
        keys = [key.decode() async for key in client.scan_iter("*")]
        assert keys
        assert all(key.startswith("limits:{") and "ann" not in key for key in keys)
        assert all([0 < await client.ttl(key) <= 900 for key in keys])
