"""The ledger file: JSON lines, on disk before anybody is answered, and read from there page by page."""

import asyncio
import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import msgspec

from deploy.psp.book import Entry

log = logging.getLogger(__name__)

STRIDE = 1000
"""Of so many lines one place is remembered: a page begins at the nearest."""
ALWAYS = datetime.min.replace(tzinfo=UTC)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode


class _Dated(msgspec.Struct):
    at: datetime


_date = msgspec.json.Decoder(_Dated).decode


class Ledger:
    """Group commit: whoever gets to the disk first writes for all that wait. Only ever appends."""

    def __init__(self, path: Path, since: datetime = ALWAYS) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._places, self._size, self.count = [0], 0, 0
        self.recent: list[Entry] = []
        """Those since then, as they were found in the file."""
        for line in lines(path):
            self._place(line)
            if _date(line).at >= since:
                self.recent.append(_decode(line))
        self._file = path.open("ab", buffering=0)
        if torn := self._file.tell() - self._size:  # it was never answered
            log.warning("cutting off a torn last line of %d bytes", torn)
            self._file.truncate(self._size)
        _sync_folder(path.parent)
        self._lines: list[bytes] = []
        self._durable = self.count
        self._turn = asyncio.Lock()
        self._writer = ThreadPoolExecutor(1, "ledger")  # one: lines stay in order whatever is cancelled

    def append(self, entry: Entry) -> None:
        """Its `seq` is its line number. Not on disk yet: `reach(entry.seq)`."""
        line = _encode(entry) + b"\n"
        self._place(line)
        self._lines.append(line)

    def _place(self, line: bytes) -> None:
        self.count += 1
        self._size += len(line)
        if self.count % STRIDE == 0:
            self._places.append(self._size)

    async def page(self, after: int, limit: int | None) -> bytes:
        """A JSON array of the lines behind that one, all of them on disk."""
        most = max(0, self.count - after)
        wanted = most if limit is None else min(limit, most)
        if not wanted:
            return b"[]"
        await self.reach(after + wanted)
        with self._path.open("rb") as file:
            file.seek(self._places[after // STRIDE])
            found = islice(file, after % STRIDE, after % STRIDE + wanted)
            return b"[" + b",".join(line.rstrip() for line in found) + b"]"

    async def reach(self, seq: int) -> None:
        """Returns when that line is on disk."""
        while self._durable < seq:
            async with self._turn:
                if self._durable < seq:
                    lines, self._lines = self._lines, []
                    await asyncio.get_running_loop().run_in_executor(self._writer, self._write, lines)

    def _write(self, lines: list[bytes]) -> None:
        """Memory is ahead of a disk that refuses: the program ends, and starts again from the disk."""
        content = b"".join(lines)
        try:
            written = self._file.write(content)
            os.fsync(self._file.fileno())
        except OSError as error:
            log.critical("the ledger cannot be written: %s", error)
            os._exit(1)
        if written != len(content):
            log.critical("the disk is full")
            os._exit(1)
        self._durable += len(lines)

    def close(self) -> None:
        self._writer.shutdown()
        self._file.close()


def read(path: Path) -> list[Entry]:
    """All whole lines, also of a provider that goes on."""
    return [_decode(line) for line in lines(path)]


def lines(path: Path) -> Iterator[bytes]:
    """Whole ones: the last may be being written just now."""
    if path.exists():
        with path.open("rb") as file:
            yield from (line for line in file if line.endswith(b"\n"))


def _sync_folder(folder: Path) -> None:
    """A new file survives a power cut only with its name."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
