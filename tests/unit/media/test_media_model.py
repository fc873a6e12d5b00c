"""Formats by their first bytes, sizes of thumbnails, names of objects."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from common.ids import new_id
from media.model import EDGES, Format, Media, Size, fitted, owner, sniffed

SIDES = some.integers(min_value=1, max_value=50_000)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\r", Format.PNG),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0\1", Format.JPEG),
        (b"\0\0\0\x18ftypisom", Format.MP4),
        (b"\x89PNG\n\x1a\n\0\0\0\r", None),
        (b"GIF89a", None),
        (b"", None),
    ],
)
def test_a_format_is_what_the_first_bytes_say(head: bytes, kind: Format | None) -> None:
    assert sniffed(head) is kind


@given(width=SIDES, height=SIDES, edge=some.sampled_from(EDGES))
def test_a_thumbnail_has_the_shape_of_its_picture_and_is_never_larger(
    width: int, height: int, edge: int
) -> None:
    small = fitted(Size(width, height), edge)
    assert 1 <= max(small) <= max(edge, 1)
    assert small.width <= width
    assert small.height <= height
    assert max(width, height) > edge or small == (width, height)
    assert abs(small.width * height - small.height * width) <= max(width, height) or min(small) == 1


@pytest.mark.parametrize("kind", Format)
def test_every_object_tells_whose_it_is(kind: Format) -> None:
    row = Media(
        id=new_id(), product_id=new_id(), account_id=new_id(), format=kind, alt="", width=1, height=1, size=1
    )
    names = list(row.objects())
    assert {owner(name) for name in names} == {row.id}
    assert len(set(names)) == (1 if kind is Format.MP4 else 4)


@pytest.mark.parametrize("name", ["", "lamp.png", "../x", f"x{UUID(int=1)}", "0" * 36])
def test_what_is_none_of_ours_is_nobodys(name: str) -> None:
    assert owner(name) is None
