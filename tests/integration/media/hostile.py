"""What nobody who sells lamps would send. Each with the answers that it may get."""

import io
import random
import struct
import zlib
from collections.abc import Mapping
from typing import NamedTuple

from PIL import Image

from tests.integration.media.samples import (
    END,
    SIGNATURE,
    box,
    chunk,
    form,
    ftyp,
    head,
    jpeg,
    moov,
    mp4,
    picture,
    pixels,
    png,
)

MARK = b"<?php echo('h4cked'); ?><script>alert('h4cked')</script>"
"""Nowhere in what is stored."""
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
DAMAGED, OTHER, LARGE, MALFORMED, HARMLESS = (422, 415), (415,), (413,), (400,), (201,)
"""A harmless one is taken: what is stored was written anew and has nothing of the mark."""


KIND = b"\r\nContent-Type: image/png"


class Hostile(NamedTuple):
    content: bytes
    answers: tuple[int, ...]


def written(image: Image.Image, kind: str, **options: object) -> bytes:
    made = io.BytesIO()
    image.save(made, kind, **options)
    return made.getvalue()


def animated_png() -> bytes:
    return written(picture(), "PNG", save_all=True, append_images=[picture(seed=2), picture(seed=3)])


def bomb(width: int, height: int, zeros: int) -> bytes:
    """Kilobytes that become megabytes."""
    return SIGNATURE + head(width, height) + chunk(b"IDAT", zlib.compress(bytes(zeros), 9)) + END


def long_text(kind: bytes, size: int) -> bytes:
    return chunk(kind, b"Comment\0\1\0\0\0" + zlib.compress(b"A" * size, 9))


def endless_jpeg() -> bytes:
    """A progressive one with a scan again and again."""
    whole = jpeg(2000, 2000, progressive=True)
    at = whole.rindex(b"\xff\xda")
    return whole[:at] + whole[at:-2] * 200 + b"\xff\xd9"


def large(size: int) -> bytes:
    return jpeg() + random.Random(1).randbytes(size)


def zip_file() -> bytes:
    return b"PK\3\4" + bytes(26) + MARK + b"PK\5\6" + bytes(18)


PICTURES: Mapping[str, Hostile] = {
    # Other things.
    "nothing": Hostile(b"", OTHER),
    "a byte": Hostile(b"\x89", OTHER),
    "text": Hostile(MARK, OTHER),
    "html": Hostile(b"<!doctype html><html><body>" + MARK, OTHER),
    "svg that says it is png": Hostile(SVG, OTHER),
    "pdf": Hostile(b"%PDF-1.7\n" + MARK, OTHER),
    "gif": Hostile(written(picture(), "GIF"), OTHER),
    "animated gif": Hostile(written(picture(), "GIF", save_all=True, append_images=[picture(seed=2)]), OTHER),
    "webp": Hostile(written(picture(), "WEBP"), OTHER),
    "tiff": Hostile(written(picture(), "TIFF"), OTHER),
    "bmp": Hostile(written(picture(), "BMP"), OTHER),
    "ico": Hostile(written(picture(64, 64), "ICO"), OTHER),
    "postscript": Hostile(b"%!PS-Adobe-3.0 EPSF-3.0\n(" + MARK + b") run", OTHER),
    "zip": Hostile(zip_file(), OTHER),
    "executable": Hostile(b"\x7fELF" + bytes(200), OTHER),
    "svg behind a mark of order": Hostile(b"\xef\xbb\xbf" + SVG, OTHER),
    "gif head before a jpeg": Hostile(b"GIF89a" + jpeg(), OTHER),
    # Pictures that are two things.
    "jpeg with a zip behind": Hostile(jpeg() + zip_file(), HARMLESS),
    "jpeg with a script in a comment": Hostile(jpeg(comment=MARK), HARMLESS),
    "jpeg with a script as profile": Hostile(jpeg(icc_profile=MARK), HARMLESS),
    "png with php in a text": Hostile(png(before=chunk(b"tEXt", b"Comment\0" + MARK)), HARMLESS),
    "png with a script in a part of its own": Hostile(png(before=chunk(b"evIl", MARK)), HARMLESS),
    "png with a zip behind": Hostile(png() + zip_file(), DAMAGED),
    "jpeg head before html": Hostile(b"\xff\xd8\xff\xe0" + MARK, DAMAGED),
    "png head before html": Hostile(SIGNATURE + MARK, DAMAGED),
    "jpeg that is also a script": Hostile(b"\xff\xd8\xff\xe0\x2f\x2a" + MARK + jpeg()[4:], DAMAGED),
    # Damaged ones.
    "truncated png": Hostile(png(800, 600)[:-40], DAMAGED),
    "truncated jpeg": Hostile(jpeg(800, 600)[:3000], DAMAGED),
    "png without pixels": Hostile(SIGNATURE + head(10, 10) + END, DAMAGED),
    "png with fewer pixels than it says": Hostile(
        SIGNATURE + head(1000, 1000) + chunk(b"IDAT", pixels(10, 10)) + END, DAMAGED
    ),
    "png with a wrong sum": Hostile(png()[:-25] + b"\0\0\0\0" + png()[-21:], DAMAGED),
    "png of no size": Hostile(SIGNATURE + head(0, 0) + chunk(b"IDAT", pixels(1, 1)) + END, DAMAGED),
    "png of another depth": Hostile(SIGNATURE + head(10, 10, depth=77) + END, DAMAGED),
    # Too much.
    "50,000 by 50,000 in a few bytes": Hostile(bomb(50_000, 50_000, 1_000_000), (422,)),
    "just too many pixels": Hostile(png(5001, 5000), (422,)),
    "a bomb of pixels": Hostile(bomb(100, 100, 300_000_000), (*HARMLESS, *DAMAGED)),
    "1 by 1 with a text of 100 MB": Hostile(png(1, 1, before=long_text(b"iTXt", 100_000_000)), DAMAGED),
    "1 by 1 with a profile of 100 MB": Hostile(
        png(1, 1, before=chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(100_000_000)))), (*HARMLESS, *DAMAGED)
    ),
    "100,000 parts": Hostile(png(before=chunk(b"tEXt", b"a\0b") * 100_000), (*HARMLESS, *DAMAGED)),
    "a picture that moves": Hostile(animated_png(), OTHER),
    "a jpeg of 200 passes": Hostile(endless_jpeg(), (*HARMLESS, *DAMAGED, *LARGE)),
    "a picture of over 5 MB": Hostile(large(5 * 2**20), LARGE),
}

VIDEOS: Mapping[str, Hostile] = {
    "a video with nothing in it": Hostile(ftyp(), DAMAGED),
    "a video without an index": Hostile(ftyp() + box(b"mdat", bytes(100)), DAMAGED),
    "a video of sound": Hostile(ftyp() + moov(handler=b"soun") + box(b"mdat", bytes(100)), DAMAGED),
    "a video with html as a part": Hostile(mp4() + box(b"html", MARK), DAMAGED),
    "a video with html behind": Hostile(mp4() + MARK, DAMAGED),
    "a video with html in free room": Hostile(mp4() + box(b"free", MARK), HARMLESS),
    "a truncated video": Hostile(mp4()[:-100], DAMAGED),
    "a video whose part is longer than it": Hostile(
        ftyp() + moov() + struct.pack(">I4s", 2**31, b"mdat"), DAMAGED
    ),
    "a video of a part without length": Hostile(
        ftyp() + struct.pack(">I4s", 4, b"moov") + bytes(100), DAMAGED
    ),
    "a video of 50,001 parts": Hostile(mp4() + box(b"free") * 50_001, DAMAGED),
    "a video of no size": Hostile(ftyp() + moov(0, 0) + box(b"mdat", bytes(100)), DAMAGED),
    "two indexes": Hostile(ftyp() + moov() + moov() + box(b"mdat", bytes(100)), DAMAGED),
    "heif": Hostile(ftyp(b"heic", b"mif1") + moov() + box(b"mdat", bytes(100)), OTHER),
    "avif": Hostile(ftyp(b"avif", b"avis") + moov() + box(b"mdat", bytes(100)), OTHER),
    "quicktime": Hostile(ftyp(b"qt  ", b"qt  ") + moov() + box(b"mdat", bytes(100)), OTHER),
}

NAMES = (
    "../../x.png",
    "/etc/passwd",
    "C:\\\\con.png",
    "ß" * 150 + ".png",
    "gnp.\u202egpj.exe",
    "lamp.php.png",
    "<img src=x onerror=alert(1)>.png",
    "",
)
"""Of good pictures: each is stored under a name of our own."""


def forms(product: str) -> dict[str, tuple[bytes, str, tuple[int, ...]]]:
    """Bodies that are no forms, or too much of one: body, content type, answers."""
    good, kind = form([("product_id", product.encode()), ("data", png())])
    start = [("product_id", product.encode())]
    many = form([*start, *[("data", png())] * 9])
    parts = form([*start, *[("alt", b"a")] * 10_000, ("data", png())])
    return {
        "no boundary": (good, "multipart/form-data", MALFORMED),
        "another boundary": (good, "multipart/form-data; boundary=other", MALFORMED),
        "a boundary of 5,000 bytes": (good, f"multipart/form-data; boundary={'b' * 5000}", MALFORMED),
        "not a form": (png(), "image/png", MALFORMED),
        "json": (b"{}", "application/json", MALFORMED),
        "no end": (good[:-8], kind, MALFORMED),
        "half a head": (good[:40], kind, MALFORMED),
        "nothing at all": (b"", kind, MALFORMED),
        "nine files": (*many, MALFORMED),
        "10,000 parts": (*parts, LARGE),
        "a name with NUL": (good.replace(b"lamp.png", b"x\0.png"), kind, (201, 400)),
        "a name with CR LF": (good.replace(b"lamp.png", b"x\r\nX-Evil: 1\r\n.png"), kind, MALFORMED),
        "a head of 100 KB": (good.replace(b"lamp.png", b"x" * 100_000), kind, (400, 413)),
        "a hundred heads": (
            good.replace(b"\r\nContent-Type", b"\r\nX-A: b" * 100 + b"\r\nContent-Type"),
            kind,
            (400, 413),
        ),
        "a file as product": (
            good.replace(b'name="product_id"', b'name="product_id"; filename="x"'),
            kind,
            (201, 400),
        ),
        "a file as the text of a product": (*form([("product_id", png()), ("data", png())]), MALFORMED),
        "another part": (*form([*start, ("is_admin", b"1"), ("data", png())]), MALFORMED),
        "a part in parts": (
            good.replace(b"Content-Type: image/png", b"Content-Transfer-Encoding: base64"),
            kind,
            (201, 400),
        ),
    }
