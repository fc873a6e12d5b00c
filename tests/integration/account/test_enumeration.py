"""Nobody learns by asking whether somebody has an account: not by words, not by the time they take."""

import statistics
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from msgspec.structs import replace

from account.settings import AccountSettings
from tests.integration.account.api import Answer, Api
from tests.integration.account.conftest import serving
from tests.support import free_port

TRIES = 200
APART = 0.010
"""Seconds, in the middle of all pairs, where nothing else runs. Elsewhere as much more as pairs differ."""

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def slow(account_settings: AccountSettings) -> AsyncIterator[Api]:
    """Hashes as costly as by default: what there is to see is their time."""
    costly = replace(account_settings, port=free_port(), password_memory_kib=19_456, password_passes=2)
    async with serving(costly) as api:
        await api.register(email="ann@example.com")
        yield api


async def timed(api: Api, email: str) -> tuple[Answer, float]:
    begun = time.perf_counter()
    answer = await api.login(email, "wrong horse battery")
    return answer, time.perf_counter() - begun


async def test_a_login_answers_known_and_unknown_alike(slow: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """In turns, so that whatever else the machine does falls on both; how pairs differ shows the noise."""
    known: list[float] = []
    unknown: list[float] = []
    for number in range(TRIES):
        (yes, its), (no, other) = (
            await timed(slow, "ann@example.com"),
            await timed(slow, f"nobody{number}@example.com"),
        )
        known.append(its)
        unknown.append(other)
        assert told(yes) == told(no)
    medians = [1000 * statistics.median(each) for each in (known, unknown)]
    pairs = [1000 * (its - other) for its, other in zip(known, unknown, strict=True)]
    lower, middle, upper = statistics.quantiles(pairs, n=4)
    apart, noise = abs(middle), (upper - lower) / TRIES**0.5  # about the error of that middle
    with capsys.disabled():
        figures = f"known {medians[0]:.1f} ms, unknown {medians[1]:.1f} ms"
        print(f"\nlogin, medians of {TRIES}: {figures}")  # noqa: T201  # for whoever runs it
    assert apart < 1000 * APART + 4 * noise
    assert apart < medians[0] / 3, "without a hash it would be nearly all of it"


async def test_a_reset_with_a_wrong_code_answers_alike(slow: Api) -> None:
    body = {"password": "another horse battery", "code": "00000000"}
    known, unknown = [
        await slow.call("POST", "/password/reset", body | {"email": email})
        for email in ("ann@example.com", "nobody@example.com")
    ]
    assert told(known) == told(unknown)


def told(answer: Answer) -> object:
    """All but what differs by nature."""
    headers = {
        name: value for name, value in answer.headers.items() if name not in {"Date", "Content-Length"}
    }
    return answer.status, {**answer.body, "trace_id": ""}, headers
