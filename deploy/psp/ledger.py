"""The ledger file: JSON lines, appended and on disk before anybody is answered."""

import asyncio
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from deploy.psp.book import Entry

log = logging.getLogger(__name__)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode


class Ledger:
    """Group commit: whoever gets to the disk first writes for all that wait. Only ever appends."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.entries = read(path)
        self._file = path.open("ab", buffering=0)
        _sync_folder(path.parent)
        self._lines: list[bytes] = []
        self._durable = len(self.entries)
        self._turn = asyncio.Lock()
        self._writer = ThreadPoolExecutor(1, "ledger")  # one: lines stay in order whatever is cancelled

    def append(self, entry: Entry) -> None:
        """Its `seq` is its line number. Not on disk yet: `reach(entry.seq)`."""
        self.entries.append(entry)
        self._lines.append(_encode(entry) + b"\n")

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
    """All whole lines; a torn last one was never answered, and is cut off."""
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        log.warning("cutting off a torn last line of %d bytes", len(content) - len(whole))
        os.truncate(path, len(whole))
    return [_decode(line) for line in whole.splitlines()]


def _sync_folder(folder: Path) -> None:
    """A new file survives a power cut only with its name."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
