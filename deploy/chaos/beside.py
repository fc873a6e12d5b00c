"""Two releases at once: as it is while one is rolled out, and while it is taken back."""

import io
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.chaos import faults
from deploy.chaos.arena import Ground
from deploy.chaos.scenario import Scenario, Stage
from deploy.embedded.errors import StackError
from deploy.embedded.layout import ROOT, SERVICES

TOGETHER, ALONE = 15.0, 6.0
"""Seconds with both, and with either."""


@contextmanager
def release(commit: str) -> Iterator[Path]:
    """The code of that commit, in a folder of its own. Raises StackError."""
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        raise StackError(f"{commit} cannot be had: {packed.stderr.decode().strip()}")
    with TemporaryDirectory(prefix="shop-release-") as folder:
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)


def beside(folder: Path) -> Scenario:
    """Databases, rights and broker are ours; only the services of the second replicas are not."""
    pairs = Ground("two releases", replicas=dict.fromkeys(SERVICES, 2), wired=False, second=str(folder))
    about = "Two of each, one of either release, together and each without the other"
    return Scenario("beside", about, _act, pairs, 1.0, quick=False)


async def _act(stage: Stage) -> None:
    """Either half is stopped gently, as whoever replaces a release would."""
    await stage.calm(TOGETHER)
    for gone in (SERVICES, [f"{service}-2" for service in SERVICES]):
        async with faults.away(stage.arena, *gone):
            await stage.calm(ALONE)
        await stage.calm(TOGETHER / 3)
