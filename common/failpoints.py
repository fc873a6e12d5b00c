"""Places where a process can be told to die, to prove that dying there harms nobody.

Armed by settings, off by default, and then a comparison with None.
"""

import os
import random
from pathlib import Path
from typing import NamedTuple


class Armed(NamedTuple):
    """`budget`: a file with the number of deaths that are left. `chance`: of dying at each visit."""

    place: str
    budget: Path
    chance: float


_armed: Armed | None = None


def arm(armed: Armed) -> None:
    """Told once, before anything runs."""
    global _armed  # noqa: PLW0603  # a process has one life
    _armed = armed


def is_armed(place: str) -> bool:
    return _armed is not None and _armed.place == place


def failpoint(place: str) -> None:
    """Ends the process at once, with no clean-up, when this is the armed place and deaths are left."""
    if _armed is not None and _armed.place == place:
        _die(_armed)


def _die(armed: Armed) -> None:
    if random.random() >= armed.chance:  # noqa: S311  # work gets done between two deaths
        return
    left = int(armed.budget.read_text())
    if left > 0:
        armed.budget.write_text(str(left - 1))
        os._exit(9)
