"""When a destination is left alone, and how it comes back."""

import pytest

from common.breaker import Breaker, Open


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_it_is_open_from_a_failure_to_the_next_success() -> None:
    breaker = Breaker(rest=2.0, clock=Clock())
    assert all(breaker.admits() for _ in range(10))
    await breaker.closed()
    breaker.failed()
    assert not breaker.admits()
    with pytest.raises(Open):
        await breaker.closed()
    breaker.succeeded()
    assert all(breaker.admits() for _ in range(10))
    await breaker.closed()


def test_open_it_lets_one_probe_through_after_each_rest() -> None:
    clock = Clock()
    breaker = Breaker(rest=2.0, clock=clock)
    breaker.failed()
    clock.now += 2.0
    assert [breaker.admits() for _ in range(3)] == [True, False, False]
    clock.now += 1.0
    breaker.failed()
    clock.now += 1.5
    assert not breaker.admits(), "the rest begins when the probe has failed"
    clock.now += 0.5
    assert breaker.admits()
    clock.now += 2.0
    assert breaker.admits(), "a probe that never came back"
