"""When streams that are silent say that they are alive."""

import asyncio

import pytest

from common.http import pulse
from common.http.pulse import SECONDS, TICKS, Pulse


class Stream:
    def __init__(self) -> None:
        self.signs: list[bytes] = []
        self.has_two = asyncio.Event()

    def beat(self, sign: bytes) -> None:
        self.signs.append(sign)
        if len(self.signs) == 2:
            self.has_two.set()


def test_no_two_of_a_few_streams_have_their_turn_together() -> None:
    wheel = Pulse(b"")
    places = [id(wheel.place()) for _ in range(SECONDS * TICKS)]
    assert len(set(places)) == len(places)


async def test_everybody_has_a_turn_in_each_round(monkeypatch: pytest.MonkeyPatch) -> None:
    wheel, streams = Pulse(b"!"), [Stream() for _ in range(7)]
    monkeypatch.setattr(pulse, "TICKS", 10_000)
    for each in streams:
        wheel.place().add(each)
    beating = asyncio.ensure_future(wheel.run())
    await streams[-1].has_two.wait()
    beating.cancel()
    assert [each.signs for each in streams] == [[b"!", b"!"]] * 7
