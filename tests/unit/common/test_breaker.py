"""When a destination is left alone, and how it comes back."""

import pytest

from common.breaker import Breaker, Open


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_it_opens_after_failures_in_a_row_and_not_before() -> None:
    breaker = Breaker(failures=3, rest=2.0, clock=Clock())
    for _ in range(2):
        breaker.failed()
    breaker.succeeded()
    for _ in range(2):
        breaker.failed()
    assert breaker.admits()
    await breaker.closed()
    breaker.failed()
    assert not breaker.admits()
    with pytest.raises(Open):
        await breaker.closed()


def test_open_it_lets_one_probe_through_after_each_rest() -> None:
    clock = Clock()
    breaker = Breaker(failures=1, rest=2.0, clock=clock)
    breaker.failed()
    clock.now += 2.0
    assert [breaker.admits() for _ in range(3)] == [True, False, False]
    breaker.failed()
    clock.now += 1.9
    assert not breaker.admits()
    clock.now += 0.1
    assert breaker.admits()
    clock.now += 2.0
    assert breaker.admits(), "a probe that never came back"


def test_a_probe_that_succeeds_closes_it() -> None:
    clock = Clock()
    breaker = Breaker(failures=1, rest=2.0, clock=clock)
    breaker.failed()
    clock.now += 2.0
    assert breaker.admits()
    breaker.succeeded()
    assert all(breaker.admits() for _ in range(10))
