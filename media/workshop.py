"""`python -m media.workshop FORMAT FILE…`: one upload looked at by a process that may do next to nothing.

The files are open already, and named by their numbers: what was sent, and where what is made of it goes. The
answer is a line of JSON. Whatever a decoder can be made to do, it does it here: without a secret, within
limits of memory, time and disk, and not for long.
"""

import json
import os
import resource
import sys

from media import mp4, pictures
from media.model import EDGES, Format, Kind

MEMORY = 512 * 2**20
SECONDS = 5
"""Of a processor."""
NICENESS = 10
LARGEST_FILE = 512 * 2**20
REFUSALS: dict[type[Exception], tuple[str, str]] = {
    pictures.TooManyPixels: ("too_many_pixels", f"A picture has {pictures.MOST_PIXELS:,} pixels at most."),
    pictures.Animated: ("unsupported_media", "A picture that moves is none; send a video."),
    pictures.Damaged: ("damaged_media", "The picture cannot be read to its end."),
    mp4.Damaged: ("damaged_media", "The video cannot be played."),
    mp4.Foreign: ("unsupported_media", "Only PNG, JPEG and MP4 are taken."),
    MemoryError: ("damaged_media", "The file takes more memory than any of its size should."),
}


def main() -> None:
    _limit()
    kind, source, *outputs = Format(sys.argv[1]), *map(int, sys.argv[2:])
    try:
        size = _made(kind, source, outputs)
    except tuple(REFUSALS) as error:
        code, detail = next(said for of, said in REFUSALS.items() if isinstance(error, of))
        print(json.dumps({"code": code, "detail": detail}))  # noqa: T201  # the answer
    else:
        print(json.dumps({"width": size[0], "height": size[1]}))  # noqa: T201  # the answer


def _made(kind: Format, source: int, outputs: list[int]) -> tuple[int, int]:
    if kind.kind is Kind.VIDEO:
        with os.fdopen(source, "r+b") as file:
            return mp4.cleaned(file, os.fstat(source).st_size)
    with os.fdopen(source, "rb") as file:
        written = [os.fdopen(number, "w+b") for number in outputs]
        size = pictures.rewritten(file, kind, written, EDGES)
        for output in written:
            output.close()
        return size


def _limit() -> None:
    """And behind whatever else wants the processor, but not for ever."""
    for limited, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limited, (most, most))
    os.nice(NICENESS)


if __name__ == "__main__":
    main()
