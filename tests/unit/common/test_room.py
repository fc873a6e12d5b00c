"""Which limit is the one that counts, and what the message tells to lower."""

import pytest

from common.postgres.room import Room, connections


@pytest.mark.parametrize(
    "room", [Room(100, None, None), Room(100, 9, None), Room(100, None, 9), Room(9, 50, 50)]
)
def test_a_pool_that_fills_the_room_to_the_last_place_fits(room: Room) -> None:
    least = min(limit for limit in room if limit is not None)
    assert room.misfit(least - connections(0)) is None
    assert room.misfit(least) is not None


@pytest.mark.parametrize(
    ("room", "whose"),
    [
        (Room(20, None, None), "max_connections of the server"),
        (Room(97, 20, 60), "CONNECTION LIMIT of the role is 20"),
        (Room(97, 60, 20), "CONNECTION LIMIT of the database is 20"),
    ],
)
def test_the_line_names_the_narrowest_limit_and_the_size_that_would_fit(room: Room, whose: str) -> None:
    line = room.misfit(64)
    assert line is not None
    assert "POOL_SIZE=64" in line
    assert whose in line
    assert "lower POOL_SIZE to 19" in line
    assert "\n" not in line


def test_where_no_size_would_fit_the_limit_is_what_must_change() -> None:
    assert "raise that limit" in str(Room(97, 1, None).misfit(1))
