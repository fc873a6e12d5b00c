"""Files that a seller may send, made here byte by byte."""

import io
import random
import struct
import zlib
from collections.abc import Iterable
from functools import cache

from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def head(width: int, height: int, *, depth: int = 8, colour: int = 2) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


END = chunk(b"IEND", b"")


@cache
def pixels(width: int, height: int) -> bytes:
    """Compressed, of one colour, and as many as the head says."""
    return zlib.compress((b"\0" + b"\x10\x20\x30" * width) * height)


def png(width: int = 300, height: int = 200, *, before: bytes = b"", after: bytes = b"") -> bytes:
    return SIGNATURE + head(width, height) + before + chunk(b"IDAT", pixels(width, height)) + after + END


def picture(width: int = 300, height: int = 200, *, seed: int = 1) -> Image.Image:
    noise = random.Random(seed).randbytes(3 * 30 * 20)
    return Image.frombytes("RGB", (30, 20), noise).resize((width, height))


def jpeg(width: int = 300, height: int = 200, **options: object) -> bytes:
    written = io.BytesIO()
    picture(width, height).save(written, "JPEG", **options)
    return written.getvalue()


def box(kind: bytes, *content: bytes) -> bytes:
    inside = b"".join(content)
    return struct.pack(">I4s", 8 + len(inside), kind) + inside


def ftyp(brand: bytes = b"isom", *compatible: bytes) -> bytes:
    return box(b"ftyp", brand, b"\0\0\2\0", *(compatible or (b"mp41",)))


def tkhd(width: int, height: int) -> bytes:
    return box(b"tkhd", bytes(76), struct.pack(">II", width << 16, height << 16))


def moov(width: int = 640, height: int = 360, *, handler: bytes = b"vide", beside: bytes = b"") -> bytes:
    hdlr = box(b"hdlr", bytes(8), handler, bytes(12), b"\0")
    track = box(b"trak", tkhd(width, height), box(b"mdia", hdlr), beside)
    return box(b"moov", box(b"mvhd", bytes(100)), track, beside)


def mp4(size: int = 5000, *, beside: bytes = b"", brand: bytes = b"isom") -> bytes:
    return ftyp(brand) + moov(beside=beside) + box(b"mdat", random.Random(size).randbytes(size))


def form(
    parts: Iterable[tuple[str, bytes]], *, boundary: bytes = b"b0undary", names: Iterable[str] = ()
) -> tuple[bytes, str]:
    """The body, and its content type. What is `data` comes as a file, by these names."""
    body, called = bytearray(), iter(names)
    for name, content in parts:
        head = f'Content-Disposition: form-data; name="{name}"'
        if name == "data":
            head += f'; filename="{next(called, "lamp.png")}"\r\nContent-Type: image/png'
        body += b"--%b\r\n%b\r\n\r\n%b\r\n" % (boundary, head.encode(), content)
    return bytes(body + b"--%b--\r\n" % boundary), f"multipart/form-data; boundary={boundary.decode()}"
