"""Limits, and the counters of a process by itself."""

from common.limits.counters import REMEMBERED, OwnCounters
from common.limits.model import Bucket, Friend, Limit

LIMIT = Limit("login:account", free=8, seconds=900.0, first=1.0, most=60.0)
ANN = Bucket(LIMIT, "ann@example.com")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_free_tries_wait_for_nothing_and_the_others_longer_and_longer_but_never_for_ever() -> None:
    assert {LIMIT.wait(tries) for tries in range(9)} == {0.0}
    assert [LIMIT.wait(tries) for tries in range(9, 17)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert LIMIT.wait(10**9) == 60


def test_all_keys_of_an_account_lie_on_one_node_and_name_nobody() -> None:
    keys = {ANN.key, ANN.gate, Friend("ann@example.com", "203.0.113.7").key}
    assert len({key[key.index("{") : key.index("}")] for key in keys}) == 1
    assert all(key.startswith("limits:") and "ann" not in key and "203" not in key for key in keys)


async def test_a_process_by_itself_is_stricter() -> None:
    own = OwnCounters(Clock())
    waits = [(await own.count([ANN], None))[0][0].wait for _ in range(4)]
    assert waits == [0, 0, 1, 2]


async def test_one_of_many_passes_a_gate_and_the_next_after_the_wait() -> None:
    clock = Clock()
    own = OwnCounters(clock)
    assert [await own.pass_gate([ANN], [5.0]) for _ in range(3)] == [True, False, False]
    assert (await own.count([ANN], None))[0][0].closed == 5.0
    clock.now += 5.0
    assert (await own.count([ANN], None))[0][0].closed == 0.0
    assert await own.pass_gate([ANN], [5.0])


async def test_counts_end_with_their_time_and_with_a_good_try() -> None:
    clock = Clock()
    own = OwnCounters(clock)
    bob = Bucket(LIMIT, "bob@example.com")
    for _ in range(3):
        await own.count([ANN, bob], None)
    await own.settle([ANN], [bob], None)
    seen, _ = await own.count([ANN, bob], None)
    assert [each.tries for each in seen] == [1, 3]
    clock.now += LIMIT.seconds
    seen, _ = await own.count([ANN, bob], None)
    assert [each.tries for each in seen] == [1, 1]


async def test_a_process_remembers_only_so_many() -> None:
    own = OwnCounters(Clock())
    for number in range(REMEMBERED + 10):
        await own.count([Bucket(LIMIT, str(number))], None)
    assert len(own._counts) == REMEMBERED
