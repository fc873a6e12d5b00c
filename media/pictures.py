"""Pictures, decoded whole and written anew: what comes out holds pixels and nothing else."""

from collections.abc import Sequence
from typing import BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

from media.model import Format, Size, fitted

MOST_PIXELS = 25_000_000
"""Asked of the head, before any memory is taken for them."""
Image.MAX_IMAGE_PIXELS = MOST_PIXELS
NAMES = {Format.PNG: "PNG", Format.JPEG: "JPEG"}
OPTIONS: dict[Format, dict[str, int]] = {Format.PNG: {"compress_level": 4}, Format.JPEG: {"quality": 88}}
KEPT = {Format.PNG: ("L", "LA", "RGB", "RGBA"), Format.JPEG: ("L", "RGB")}
"""Modes that are written as they are."""
PNG_END = b"\0\0\0\0IEND\xaeB`\x82"


class Damaged(ValueError):
    """It cannot be decoded to its end."""


class TooManyPixels(ValueError):
    """Its head says so."""


class Animated(ValueError):
    """It moves."""


def rewritten(source: BinaryIO, kind: Format, outputs: Sequence[BinaryIO], edges: Sequence[int]) -> Size:
    """The picture into the first output, thumbnails with these edges, the longest first, into the others."""
    try:
        picture = _plain(_upright(_decoded(source, kind)), kind)
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, MemoryError) as error:
        if isinstance(error, TooManyPixels | Animated):
            raise
        raise Damaged(str(error) or type(error).__name__) from error
    size = Size(*picture.size)
    for output, edge in zip(outputs, (max(size), *edges), strict=True):
        if (least := fitted(size, edge)) != picture.size:
            picture = picture.resize(least, Image.Resampling.LANCZOS, reducing_gap=2.0)
        picture.save(output, NAMES[kind], **OPTIONS[kind])
    return size


def _decoded(source: BinaryIO, kind: Format) -> Image.Image:
    try:
        picture = Image.open(source, formats=[NAMES[kind]])
    except UnidentifiedImageError as error:
        raise Damaged("Its head makes no sense.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixels from error
    if picture.width * picture.height > MOST_PIXELS:
        raise TooManyPixels
    if kind is Format.PNG:
        if getattr(picture, "is_animated", False):
            raise Animated
        source.seek(-len(PNG_END), 2)
        if source.read() != PNG_END:
            raise Damaged("Something follows its end.")
    picture.load()
    return picture


def _upright(picture: Image.Image) -> Image.Image:
    """As its EXIF data says it was held; damaged ones say nothing."""
    try:
        return ImageOps.exif_transpose(picture)
    except (OSError, ValueError, SyntaxError, KeyError, TypeError, IndexError):
        return picture


def _plain(picture: Image.Image, kind: Format) -> Image.Image:
    """In a mode that its format has everywhere, with nothing noted beside the pixels."""
    if picture.mode.startswith("I"):  # 16 bits of grey
        picture = picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if kind is Format.PNG and (picture.mode == "P" or "transparency" in picture.info):
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    if picture.mode == "1":
        picture = picture.convert("L")
    if picture.mode not in KEPT[kind]:
        picture = picture.convert("RGB")
    picture.info = {}
    return picture
