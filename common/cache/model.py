"""What is kept, and when it no longer counts. Pure."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """The body as it is sent. `versions`: of each part of what it shows that changes by itself."""

    body: bytes
    versions: tuple[int, ...] = ()
    seconds: float = 0.0
    """How old it may become; 0: it is not kept."""
    owner: UUID | None = None
    """Who may see it; None: everybody."""
    etag: str = ""
    mark: tuple[int, ...] = ()
    """Names the very rows that it was made of: whoever changes one, and however, gives it another."""

    def is_older_than(self, fence: Sequence[int]) -> bool:
        """A fence says of each part which version exists for sure."""
        return any(mine < least for mine, least in zip(self.versions, fence, strict=False))


class Change(NamedTuple):
    """Of what is kept under `key`, this part has this version now."""

    key: str
    part: int
    version: int


NO_FENCE: tuple[int, ...] = ()


def raised(fence: Sequence[int], part: int, version: int) -> tuple[int, ...]:
    """A fence only ever rises, in whichever order it hears of changes."""
    parts = [*fence, *[0] * (part + 1 - len(fence))]
    parts[part] = max(parts[part], version)
    return tuple(parts)


def newest(changes: Sequence[Change]) -> list[Change]:
    """Of every part the highest version."""
    last: dict[tuple[str, int], Change] = {}
    for change in changes:
        known = last.get((change.key, change.part))
        if known is None or known.version < change.version:
            last[change.key, change.part] = change
    return list(last.values())
