"""What is kept in the process, for how long, and what is never kept."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from common.cache.counts import Counts
from common.cache.memory import OVERHEAD, Kept, Memory
from common.cache.model import Answer, Change, newest, raised

BODY = b"x" * 500
SIZE = len(BODY) + OVERHEAD


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def memory(*, answers: int, seconds: float = 10.0) -> tuple[Memory, Clock]:
    clock = Clock()
    return Memory(most_bytes=answers * SIZE, seconds=seconds, clock=clock), clock


def kept(*versions: int, until: float = 100.0) -> Kept:
    return Kept(Answer(BODY, versions=versions, seconds=60), until)


@given(st.permutations([1, 2, 3, 4, 5]))
def test_a_fence_only_rises(order: list[int]) -> None:
    fence: tuple[int, ...] = ()
    for version in order:
        fence = raised(fence, 0, version)
    assert fence == (5,)


def test_parts_have_fences_of_their_own() -> None:
    answer = Answer(BODY, versions=(2, 7))
    assert not answer.is_older_than(())
    assert not answer.is_older_than((2, 7))
    assert answer.is_older_than((3, 0))
    assert answer.is_older_than((0, 8))


def test_of_many_changes_the_newest_of_each_part_counts() -> None:
    changes = [Change("a", 0, 1), Change("a", 0, 3), Change("a", 1, 2), Change("b", 0, 1)]
    for order in permutations(changes):
        assert set(newest(order)) == set(changes[1:])


def test_what_nobody_asked_for_longest_goes_first() -> None:
    full, _ = memory(answers=2)
    full.put("a", kept(1))
    full.put("b", kept(1))
    assert full.get("a")
    full.put("c", kept(1))
    assert [key for key in "abc" if full.get(key)] == ["a", "c"]


def test_what_is_larger_than_all_of_it_is_not_kept() -> None:
    small, _ = memory(answers=1)
    small.put("a", kept(1))
    small.put("b", Kept(Answer(BODY * 10, seconds=60), 100))
    assert small.get("a")
    assert small.get("b") is None


def test_nothing_outlives_its_own_time_or_that_of_the_memory() -> None:
    remembered, clock = memory(answers=3, seconds=10)
    remembered.put("short", kept(1, until=5))
    remembered.put("long", kept(1, until=100))
    clock.now = 4.9
    assert remembered.get("short")
    clock.now = 5
    assert remembered.get("short") is None
    clock.now = 9.9
    assert remembered.get("long")
    clock.now = 10
    assert remembered.get("long") is None
    assert len(remembered) == 0


def test_what_has_changed_goes_and_does_not_come_back() -> None:
    remembered, _ = memory(answers=3)
    remembered.put("a", kept(1))
    remembered.hear(Change("a", 0, 2))
    assert remembered.get("a") is None
    remembered.put("a", kept(1))
    assert remembered.get("a") is None, "it was on its way when it changed"
    remembered.put("a", kept(2))
    remembered.hear(Change("a", 0, 1))
    assert remembered.get("a"), "an old word changes nothing"


def test_a_memory_without_room_still_knows_what_is_outdated() -> None:
    bare = Memory()
    bare.hear(Change("a", 0, 2))
    bare.put("a", kept(2))
    assert bare.get("a") is None
    assert bare.is_outdated("a", kept(1).answer)


def test_what_was_forgotten_makes_room() -> None:
    remembered, _ = memory(answers=2)
    for number in range(10):
        remembered.put("a", kept(number))
    remembered.clear()
    remembered.put("a", kept(1))
    remembered.put("b", kept(1))
    assert [key for key in "ab" if remembered.get(key)] == ["a", "b"]


def test_what_is_renewed_has_a_new_time_and_its_old_place() -> None:
    full, clock = memory(answers=2)
    full.put("a", kept(1, until=3))
    full.put("b", kept(1, until=3))
    clock.now = 2
    full.renew("a", kept(2, until=6))
    clock.now = 5
    found = full.get("a")
    assert found is not None
    assert found.versions == (2,)
    assert full.get("b") is None
    full.put("b", kept(1))
    full.renew("a", kept(3))
    full.put("c", kept(1))
    assert [key for key in "abc" if full.get(key)] == ["b", "c"], "a was asked for longest ago"


def test_what_is_no_longer_there_is_not_renewed() -> None:
    remembered, _ = memory(answers=2)
    remembered.put("a", kept(1))
    remembered.hear(Change("a", 0, 2))
    remembered.renew("a", kept(2))
    assert remembered.get("a") is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(0, 1500)), max_size=30))
def test_whatever_comes_the_bytes_are_counted_and_bounded(steps: list[tuple[str, bool, int]]) -> None:
    remembered, _ = memory(answers=2)
    for key, is_renewal, length in steps:
        answer = Kept(Answer(b"x" * length, seconds=60), 100)
        (remembered.renew if is_renewal else remembered.put)(key, answer)
        assert remembered._bytes == sum(
            OVERHEAD + len(each.answer.body) for each in remembered._held.values()
        )
        assert remembered._bytes <= 2 * SIZE


def test_what_is_older_never_takes_the_place_of_what_is_newer() -> None:
    """Unless that has ended: a database may have been set back."""
    for step in (Memory.put, Memory.renew):
        remembered, clock = memory(answers=2)
        remembered.put("a", kept(2, until=5))
        step(remembered, "a", kept(1))
        found = remembered.get("a")
        assert found is not None
        assert found.versions == (2,)
        clock.now = 5
        step(remembered, "a", kept(1))
        assert remembered.get("a")


def test_what_nobody_wants_any_more_goes_and_what_ends_soonest_comes_first() -> None:
    remembered, clock = memory(answers=3)
    for key, until in (("a", 9), ("b", 8), ("c", 7)):
        remembered.put(key, kept(1, until=until))
    assert remembered.wanted(9) == ["c", "b", "a"]
    clock.now = 5
    assert remembered.get("a")
    clock.now = 6
    remembered.renew("c", kept(1, until=11))
    assert remembered.wanted(6) == ["b", "a", "c"]
    assert remembered.wanted(5) == ["a"], "to be read again is not to be asked for"
    assert remembered.wanted(0.9) == []
    assert len(remembered) == 0


def test_a_read_without_a_load_is_a_hit() -> None:
    assert Counts().hit_ratio == 0
    assert Counts(memory=6, redis=1, joined=1, filter=1, loads=1).hit_ratio == 0.9
