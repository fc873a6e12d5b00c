"""The service as a process of its own, which may be killed and whose memory can be seen."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import msgspec

from media.settings import MediaSettings
from tests.support import eventually, free_port


class MediaProcess:
    def __init__(self, process: asyncio.subprocess.Process, base: str) -> None:
        self.process = process
        self.base = base

    @property
    def peak_kib(self) -> int:
        """The most memory that it has had so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0])

    def writes_to(self, folder: Path) -> bool:
        """Whether it has a file open there, with a name or without."""
        for each in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                if str(folder) in str(each.readlink()):
                    return True
        return False

    async def died(self) -> int:
        async with asyncio.timeout(30):
            return await self.process.wait()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)


@asynccontextmanager
async def media_process(
    settings: MediaSettings, role: str = "api", **changed: object
) -> AsyncIterator[MediaProcess]:
    known = msgspec.to_builtins(settings) | {"port": free_port(), "log_level": "WARNING"} | changed
    environment = {name.upper(): str(value) for name, value in known.items() if value not in (None, (), "")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "media", "--role", role), env=os.environ | environment
    )
    started = MediaProcess(process, f"http://127.0.0.1:{known['port']}")

    async def is_ready() -> bool:
        assert process.returncode is None, "it did not start"
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{started.base}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    try:
        await eventually(is_ready, seconds=180)
        yield started
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
