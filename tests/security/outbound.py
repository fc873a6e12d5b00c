"""Whom this process tries to reach: the services in it, and the tests that ask them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

Address = tuple[str, int]


class Ear:
    """Hears every attempt to connect and every name that is looked up, also those that fail."""

    def __init__(self) -> None:
        self.heard: set[Address] | None = None
        sys.addaudithook(self._hear)  # nobody can take it away again

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.heard is not None and event in {"socket.connect", "socket.getaddrinfo"}:
            address = arguments[1] if event == "socket.connect" else arguments[:2]
            if isinstance(address, tuple) and len(address) >= 2:
                self.heard.add((str(address[0]), int(address[1] or 0)))


_EAR = Ear()


@contextmanager
def watched() -> Iterator[set[Address]]:
    """What is heard until it is left."""
    heard = _EAR.heard = set()
    try:
        yield heard
    finally:
        _EAR.heard = None
