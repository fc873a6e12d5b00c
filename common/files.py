"""How many files a process may open: each connection is one, and so is each event stream."""

import resource
from contextlib import suppress
from math import inf

MOST = 65_536


def open_many() -> int:
    """As many as the system admits, for this process and whatever it starts. Returns how many that are."""
    soft, hard = _limits()
    for wanted in ((min(hard, MOST), hard), (MOST, max(hard, MOST))):  # beyond the hard one, who may
        if soft < wanted[0]:
            with suppress(ValueError, OSError):  # macOS has further limits
                resource.setrlimit(resource.RLIMIT_NOFILE, _plain(wanted))
    return int(min(_limits()[0], MOST))


def _limits() -> tuple[float, float]:
    soft, hard = (
        inf if each == resource.RLIM_INFINITY else each for each in resource.getrlimit(resource.RLIMIT_NOFILE)
    )
    return soft, hard


def _plain(limits: tuple[float, float]) -> tuple[int, int]:
    soft, hard = (resource.RLIM_INFINITY if each == inf else int(each) for each in limits)
    return soft, hard
