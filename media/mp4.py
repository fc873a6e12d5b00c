"""The boxes of an MP4 file: whether they make sense, and what is hidden in them erased."""

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

MOST_BOXES = 50_000
MOST_MOOV = 64 * 2**20
MOST_SIDE = 16_384
BRANDS = {
    *(b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9"),
    *(b"mp41", b"mp42", b"avc1", b"M4V ", b"M4VP", b"dash", b"MSNV", b"mmp4"),
}
"""Of ISO 14496; QuickTime, HEIF and AVIF have others."""
NEEDED = {b"ftyp", b"moov", b"mdat"}
PLAYED = NEEDED | {b"moof", b"mfra", b"sidx", b"styp", b"ssix", b"prft", b"emsg", b"pdin"}
SILENT = {b"free", b"skip", b"wide", b"udta", b"meta", b"uuid"}
"""No player needs what they say: where somebody was, who it was, or whatever somebody hid there."""
ZEROS = bytes(2**16)


class Damaged(ValueError):
    """No such file plays."""


class Foreign(ValueError):
    """Another format that looks alike."""


class Box(NamedTuple):
    kind: bytes
    at: int
    start: int
    """Of its content."""
    end: int


def cleaned(file: BinaryIO, size: int) -> tuple[int, int]:
    """Width and height of its first picture; what needs no player is gone. Raises Damaged or Foreign."""
    boxes = list(_boxes(file, 0, size))
    kinds = {box.kind for box in boxes}
    if not boxes or boxes[0].kind != b"ftyp" or not kinds >= NEEDED:
        raise Damaged("It has no movie.")
    if unknown := kinds - PLAYED - SILENT:
        raise Damaged(f"It has parts that no player knows, such as {min(unknown)!r}.")
    _check_brands(file, boxes[0])
    movies = [box for box in boxes if box.kind == b"moov"]
    if len(movies) > 1 or movies[0].end - movies[0].start > MOST_MOOV:
        raise Damaged("Its index makes no sense.")
    pictures = [size for size in _tracks(file, movies[0]) if size]
    if not pictures:
        raise Damaged("It has no picture.")
    for box in boxes:
        _silence(file, box)
    return pictures[0]


def _check_brands(file: BinaryIO, box: Box) -> None:
    brands = _content(file, box, 1024)
    known = {brands[:4], *(brands[at : at + 4] for at in range(8, len(brands), 4))}
    if not known & BRANDS:
        raise Foreign(f"It is no MP4 but {brands[:4]!r}.")


def _tracks(file: BinaryIO, movie: Box) -> Iterator[tuple[int, int] | None]:
    """Of each track the size of its picture; None where there is none."""
    for track in _boxes(file, movie.start, movie.end):
        _silence(file, track)
        if track.kind == b"trak":
            yield _track(file, track)


def _track(file: BinaryIO, track: Box) -> tuple[int, int] | None:
    size = (0, 0)
    is_picture = False
    for box in _boxes(file, track.start, track.end):
        _silence(file, box)
        if box.kind == b"tkhd":
            sides = struct.unpack(">II", _content(file, box, 256)[-8:].rjust(8, b"\0"))
            size = (sides[0] >> 16, sides[1] >> 16)
        elif box.kind == b"mdia":
            handlers = [each for each in _boxes(file, box.start, box.end) if each.kind == b"hdlr"]
            is_picture = any(_content(file, each, 4096)[8:12] == b"vide" for each in handlers)
    if is_picture and not all(0 < side <= MOST_SIDE for side in size):
        raise Damaged("Its picture has no size.")
    return size if is_picture else None


def _boxes(file: BinaryIO, at: int, end: int) -> Iterator[Box]:
    """Side by side, without a gap. Raises Damaged."""
    for _ in range(MOST_BOXES):
        if at == end:
            return
        box = _box(file, at, end)
        yield box
        at = box.end
    raise Damaged("It has too many parts.")


def _box(file: BinaryIO, at: int, end: int) -> Box:
    file.seek(at)
    head = file.read(min(16, end - at))
    if len(head) < 8:
        raise Damaged("It ends within a part.")
    length, kind = struct.unpack(">I4s", head[:8])
    start = at + 8
    if length == 1 and len(head) == 16:
        length, start = struct.unpack(">Q", head[8:])[0], at + 16
    elif length == 0:
        length = end - at  # to the end
    if not start - at <= length <= end - at:
        raise Damaged("A part is longer than the whole.")
    return Box(kind, at, start, at + length)


def _content(file: BinaryIO, box: Box, most: int) -> bytes:
    if box.end - box.start > most:
        raise Damaged("A part is longer than it may be.")
    file.seek(box.start)
    return file.read(box.end - box.start)


def _silence(file: BinaryIO, box: Box) -> None:
    """Nothing moves: it stays as long as it was, as room that is free."""
    if box.kind not in SILENT:
        return
    file.seek(box.at + 4)
    file.write(b"free")
    file.seek(box.start)
    file.writelines(ZEROS[: box.end - at] for at in range(box.start, box.end, len(ZEROS)))
