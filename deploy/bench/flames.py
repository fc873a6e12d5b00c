"""`--flames FOLDER`: what every Python process of the stack does during the load, as flame graphs.

py-spy looks at them from outside and stops each for a moment at every look: the figures of such a run contain
what the looking costs.
"""

import asyncio
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from deploy.embedded.errors import Missing

LOOKS_PER_SECOND = "97"
"""Not in step with anything that happens every hundredth of a second."""


@asynccontextmanager
async def recorded(folder: Path | None, roots: Mapping[str, psutil.Process]) -> AsyncIterator[None]:
    """One `<process>.svg` for each of these that is a Python's. Raises Missing without py-spy."""
    if folder is None:
        yield
        return
    spy = prepared(folder)
    pythons = {name: root.pid for name, root in roots.items() if "python" in root.name()}
    watching = [await watched(spy, pid, folder / f"{name}.svg") for name, pid in pythons.items()]
    try:
        yield
    finally:
        for each in watching:
            if each.returncode is None:
                each.send_signal(signal.SIGINT)  # at which it writes down what it saw
        await asyncio.gather(*(each.wait() for each in watching))


def prepared(folder: Path) -> str:
    """Where py-spy is: on the path, or beside this Python. And the folder is there."""
    spy = shutil.which("py-spy") or shutil.which("py-spy", path=str(Path(sys.executable).parent))
    if spy is None:
        raise Missing("py-spy is not there: pip install py-spy")
    folder.mkdir(parents=True, exist_ok=True)
    return spy


async def watched(spy: str, pid: int, file: Path) -> asyncio.subprocess.Process:
    """Of the thread that has the interpreter, whichever: who waits costs nothing."""
    words = ("record", "--gil", "--rate", LOOKS_PER_SECOND, "--pid", str(pid), "--output", str(file))
    quiet = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(spy, *words, stdout=quiet, stderr=quiet)
