"""What services of former commits have said (`tests/recorded/`), as it is read today."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).with_name("recorded")
RECORDED_ON = b"2026-01-31"


class Recorded(NamedTuple):
    """A message as a consumer hands it to its work."""

    subject: str
    payload: bytes
    headers: Mapping[str, str]

    @property
    def id(self) -> str:
        return self.headers["Nats-Msg-Id"]

    def header(self, name: str) -> str | None:
        return self.headers.get(name)


def recordings() -> list[Path]:
    """A folder for each commit, the oldest first."""
    return sorted(each for each in FOLDER.iterdir() if each.is_dir())


def messages(recording: Path, *, of: date | None = None) -> list[Recorded]:
    """In the order in which they were said: that day, or `of` another, which inboxes still know."""
    day = f"{of or datetime.now(UTC).date()}".encode()
    return [
        Recorded(line["subject"], line["payload"].encode().replace(RECORDED_ON, day), line["headers"])
        for line in map(json.loads, (recording / "messages.jsonl").read_text().splitlines())
    ]


def shapes(recording: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((recording / "shapes.json").read_text())
    return found
