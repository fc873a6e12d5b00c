"""What replicas ring to each other, when they are not of one release."""

from collections.abc import Sequence

import msgspec
import pytest

from common.ids import new_id
from purchase.event_log import Event
from purchase.progress import Progress

TOLD = [Event(new_id(), 1, new_id(), 1, "step", "{}")]


@pytest.mark.parametrize(
    ("ring", "heard", "missed"),
    [
        (b"12345678" + msgspec.json.encode(TOLD), [TOLD], 0),
        (msgspec.json.encode(TOLD), [], 1),  # as it once was
        (b"12345678\x00", [], 1),
        (b"", [], 1),
    ],
)
def test_a_ring_that_nobody_understands_sends_the_followers_to_the_log(
    ring: bytes, heard: list[Sequence[Event]], missed: int
) -> None:
    progress = Progress("redis://127.0.0.1:1", cluster=False)
    events: list[Sequence[Event]] = []
    looks: list[None] = []
    progress._hear(ring, events.append, lambda: looks.append(None))
    assert (events, len(looks)) == (heard, missed)
