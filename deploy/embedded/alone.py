"""One start or stop of a home at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.embedded.layout import Layout


@contextmanager
def alone(layout: Layout) -> Iterator[None]:
    """Wait for whoever starts or stops the same home now."""
    with (layout.private("run") / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
