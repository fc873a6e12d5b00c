"""The provider's part of a history: its file goes on with the entries of the samples, again and again."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import BinaryIO
from uuid import UUID

import msgspec

from deploy.bench.samples import Samples
from deploy.embedded.stack import Stack
from deploy.psp.book import Entry
from deploy.psp.ledger import lines

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode


class Continued:
    """A ledger whose program does not run."""

    def __init__(self, file: BinaryIO, last: int, samples: dict[str, list[str]]) -> None:
        self.file = file
        self.last = last
        self.samples = samples

    def write(self, purchase: UUID, sample: UUID, shift: timedelta) -> None:
        """What the provider did for the sample, for this one at another time."""
        for line in self.samples[str(sample)]:
            entry = _decode(line.replace(str(sample), str(purchase)))
            self.last += 1
            moved = msgspec.structs.replace(entry, seq=self.last, at=entry.at + shift)
            self.file.write(_encode(moved) + b"\n")


@contextmanager
def continued(stack: Stack, samples: Samples) -> Iterator[Continued]:
    """Inside, the provider is away; what was written is there, whole, when nothing was raised."""
    path = stack.layout.private("psp") / "ledger.jsonl"
    stack.stop_process("psp")
    try:
        known: dict[str, list[str]] = {str(each): [] for each in samples.purchases}
        last = 0
        for line in lines(path):
            entry = _decode(line)
            last = entry.seq
            if entry.authorization in known:
                known[entry.authorization].append(line.decode())
        size = path.stat().st_size
        try:
            with path.open("ab") as file:
                yield Continued(file, last, known)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            os.truncate(path, size)
            raise
    finally:
        stack.start_process("psp")
