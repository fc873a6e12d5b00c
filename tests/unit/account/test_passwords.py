"""Hashing: what it costs, and that it never takes the whole machine."""

import asyncio
import os
import sys
import threading
import time
from itertools import pairwise

import pytest

from account.passwords import PROCESSORS, Busy, Passwords
from account.settings import AccountSettings


def passwords(queue: int = 100, memory_kib: int = 16, at_once: int = 2, share: float = 1) -> Passwords:
    return Passwords(memory_kib=memory_kib, passes=1, queue=queue, share=share, at_once=at_once)


async def test_a_password_matches_its_hash_and_no_other() -> None:
    made = passwords()
    stored = await made.hash("correct horse")
    assert await made.match("correct horse", stored)
    assert not await made.match("wrong horse", stored)
    assert stored != await made.hash("correct horse"), "salted"


async def test_nobody_has_no_password() -> None:
    assert not await passwords().match("nobody has this password", None)


async def test_a_hash_that_is_none_matches_nothing() -> None:
    assert not await passwords().match("x", "not a hash")


async def test_two_hash_at_a_time_and_the_loop_goes_on() -> None:
    made, pair = passwords(), threading.Barrier(2, timeout=60)
    lock, running, most = threading.Lock(), 0, 0

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        pair.wait()
        with lock:
            running -= 1

    await asyncio.gather(*(made.in_turn(work) for _ in range(20)))
    assert most == 2


async def test_many_leave_the_thread_at_rest_most_of_the_time_and_one_alone_waits_for_nothing() -> None:
    """A thread may rest longer than it must, never shorter."""
    made = passwords(memory_kib=4096, at_once=1, share=0.25 / PROCESSORS)
    works = [await made.in_turn(_span) for _ in range(5)]
    for (began, took), (following, _) in pairwise(works):
        assert following - began >= 4 * took
    began = time.monotonic()
    assert (await passwords(share=0.0001).in_turn(_span))[0] - began < 15, "after its rest: twenty at least"


def _span() -> tuple[float, float]:
    """When it began, and the time of a processor that it took."""
    began, used = time.monotonic(), time.thread_time()
    sum(range(200_000))
    return began, time.thread_time() - used


async def test_who_finds_the_queue_full_is_told_so_and_harms_nobody() -> None:
    made = passwords(queue=3, memory_kib=4096)
    outcomes = await asyncio.gather(*(made.hash("x") for _ in range(10)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [str] * 5 + [Busy] * 5
    assert isinstance(await made.hash("x"), str)


async def test_who_goes_away_leaves_the_queue() -> None:
    made = passwords(queue=0, memory_kib=4096)
    waiting = [asyncio.ensure_future(made.hash("x")) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await made.hash("x")
    for each in waiting:
        each.cancel()
    await asyncio.wait(waiting)
    assert isinstance(await made.hash("x"), str)


async def test_more_work_asked_for_makes_a_hash_outdated() -> None:
    stored = await passwords().hash("x")
    assert not passwords().is_outdated(stored)
    assert passwords(memory_kib=32).is_outdated(stored)


def test_the_defaults_are_the_owasp_minimum() -> None:
    settings = AccountSettings(port=1, nats_url="", database_url="", redis_url="", signing_key_file="")
    assert (settings.password_memory_kib, settings.password_passes) == (19_456, 2)
    assert settings.password_queue == 32
    assert (settings.access_seconds, settings.refresh_seconds) == (600, 2_592_000)
    assert (settings.tries_per_account, settings.tries_per_address, settings.tries_seconds) == (10, 100, 900)
    assert (settings.code_seconds, settings.code_attempts, settings.codes_per_hour) == (600, 5, 3)


@pytest.mark.skipif(sys.platform != "linux", reason="threads are scheduled one by one on Linux alone")
async def test_hashing_stands_back_and_nothing_else_does() -> None:
    made = passwords()
    assert await made.in_turn(lambda: os.sched_getscheduler(0)) == os.SCHED_IDLE
    assert os.sched_getscheduler(0) != os.SCHED_IDLE
