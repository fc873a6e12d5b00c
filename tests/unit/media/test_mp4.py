"""Whatever is done to a video, the reader says what is wrong with it, and never changes its length."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as some

from media import mp4
from tests.integration.media.samples import box, ftyp, moov
from tests.integration.media.samples import mp4 as sample

WHOLE = sample(500, beside=box(b"udta", b"somewhere"))


def looked_at(content: bytes) -> tuple[tuple[int, int], bytes]:
    file = io.BytesIO(content)
    size = mp4.cleaned(file, len(content))
    return size, file.getvalue()


def test_a_good_one_keeps_its_length_and_loses_what_no_player_needs() -> None:
    size, after = looked_at(WHOLE)
    assert size == (640, 360)
    assert len(after) == len(WHOLE)
    assert b"somewhere" not in after
    assert looked_at(after) == (size, after)


def test_a_long_head_is_a_head_too() -> None:
    body = b"\0\0\0\1mdat" + (16 + 50).to_bytes(8, "big") + bytes(50)
    assert looked_at(ftyp() + moov(1920, 1080) + body)[0] == (1920, 1080)


@given(at=some.integers(0, len(WHOLE) - 1), byte=some.integers(0, 255))
def test_one_wrong_byte_is_a_refusal_or_harmless(at: int, byte: int) -> None:
    wrong = bytearray(WHOLE)
    wrong[at] = byte
    try:
        _, after = looked_at(bytes(wrong))
    except (mp4.Damaged, mp4.Foreign):
        return
    assert len(after) == len(WHOLE)


@given(some.binary(max_size=200))
def test_noise_behind_a_head_is_a_refusal(noise: bytes) -> None:
    with pytest.raises((mp4.Damaged, mp4.Foreign)):
        looked_at(ftyp() + noise)


def test_every_shorter_one_is_refused() -> None:
    for length in range(len(WHOLE)):
        with pytest.raises((mp4.Damaged, mp4.Foreign)):
            looked_at(WHOLE[:length])
