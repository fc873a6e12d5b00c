"""Has a file looked at by a process of its own (`workshop.py`), a few at a time."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import msgspec

from media.model import EDGES, Format, Kind
from media.spool import nameless

AT_ONCE = 2
PATIENCE = 60.0
"""Seconds on the clock: its five of a processor come last, after everybody else's."""
ROOT = Path(__file__).parents[1]


class Unfit(Exception):
    """It is not stored. `code` is for programs."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Looked(msgspec.Struct, frozen=True):
    """What the other process says: a size, or why not."""

    width: int = 0
    height: int = 0
    code: str = ""
    detail: str = ""


class Made(msgspec.Struct, frozen=True):
    """What is to be stored: of a picture itself written anew, and its thumbnails; a video as it came."""

    format: Format
    width: int
    height: int
    files: Sequence[BinaryIO]


_decode = msgspec.json.Decoder(Looked).decode


class Inspector:
    def __init__(self, folder: str | None) -> None:
        self.folder = folder
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def look(self, file: BinaryIO, kind: Format, until: ExitStack) -> Made:
        """Raises Unfit, or TimeoutError. The files it makes have no name, and go with `until`."""
        outputs: list[BinaryIO] = [
            nameless(self.folder, until) for _ in range(1 + len(EDGES) if kind.kind is Kind.IMAGE else 0)
        ]
        await asyncio.to_thread(file.flush)
        async with self._turn:
            said = await self._asked(kind, [file, *outputs])
        if said.code:
            raise Unfit(said.code, said.detail)
        return Made(kind, said.width, said.height, outputs or [file])

    async def _asked(self, kind: Format, files: Sequence[BinaryIO]) -> Looked:
        """It gets no environment but the way to its code."""
        numbers = [file.fileno() for file in files]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-s", "-m", "media.workshop", kind, *map(str, numbers)),
            pass_fds=numbers,
            env={"PYTHONPATH": str(ROOT)},
            cwd="/",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            return Looked(code="damaged_media", detail="The file takes more than any of its size should.")
        return _decode(said)
