"""What was started, kept in the home while it runs: later commands act on the stack as it is."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from deploy.embedded.layout import write_private


@dataclass(frozen=True)
class Record:
    """The settings a stack was started with and where its supervisord listens."""

    port_base: int
    replicas: dict[str, int]
    bare: bool
    nats_sync: str
    nats_nodes: int
    redis_nodes: int
    socket: str
    ports: dict[str, int | None]
    observe: bool = False

    @staticmethod
    def file(home: Path) -> Path:
        """Where it is kept."""
        return home / "run" / "stack.json"

    @classmethod
    def load(cls, home: Path) -> "Record | None":
        """Read it; None when nothing was started or everything was stopped."""
        try:
            return cls(**json.loads(cls.file(home).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def save(self, home: Path) -> None:
        """Keep it."""
        write_private(self.file(home), json.dumps(asdict(self), indent=2))

    def same_settings(self, other: "Record") -> bool:
        """Whether both would be the same stack; sockets differ from start to start."""
        return replace(self, socket="") == replace(other, socket="")
