"""Files that are on the disk and have no name, so that nothing is left of them whatever happens."""

import asyncio
import tempfile
from contextlib import ExitStack
from typing import BinaryIO, NamedTuple

from media.model import SNIFFED, Format, Kind, sniffed

WRITTEN = 2**18
"""Bytes that are kept in memory, at most, until they are written."""


class TooLarge(Exception):
    """More than there may be."""


class Unsupported(Exception):
    """A file of a kind that is not taken."""


class Sent(NamedTuple):
    file: BinaryIO
    format: Format


def nameless(folder: str | None, until: ExitStack) -> BinaryIO:
    """Open until then."""
    return until.enter_context(tempfile.TemporaryFile(dir=folder))


class Spool:
    """One file on its way to the disk, where it has no name, so that nothing is left of it."""

    def __init__(self, file: BinaryIO, limits: dict[Kind, int]) -> None:
        self.file = file
        self.size = 0
        self._limits = limits
        self._format: Format | None = None
        self._waiting = bytearray()

    async def write(self, chunk: bytes) -> None:
        """Raises Unsupported as soon as its beginning tells, TooLarge as soon as it is."""
        self.size += len(chunk)
        self._waiting += chunk
        if self._format is None and len(self._waiting) >= SNIFFED:
            self._format = _known(sniffed(bytes(self._waiting[:SNIFFED])))
        if self._format and self.size > (most := self._limits[self._format.kind]):
            raise TooLarge(f"A file of this kind has {most:,} bytes at most.")
        if len(self._waiting) >= WRITTEN:
            await self._flush()

    async def finished(self) -> Sent:
        kind = _known(self._format)
        await self._flush()
        return Sent(self.file, kind)

    async def _flush(self) -> None:
        waiting, self._waiting = self._waiting, bytearray()
        await asyncio.to_thread(self.file.write, waiting)


def _known(kind: Format | None) -> Format:
    if kind is None:
        raise Unsupported("Only PNG, JPEG and MP4 are taken.")
    return kind
