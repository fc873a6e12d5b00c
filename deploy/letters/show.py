"""Letters and causes as people read them. Nothing that a message says reaches the terminal unescaped."""

import json
import re
from datetime import UTC, datetime, timedelta

from common.contracts.letters import Letter
from deploy.letters.causes import Cause
from deploy.letters.desk import Id

FEW = 8
MOST_HEX = 1024
CONTROLS = re.compile(r"[^\x20-\x7e\xa0-\U0010ffff]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """One line; control characters, which could rewrite a terminal, as escapes."""
    return CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def age(since: datetime, now: datetime) -> str:
    seconds = max(0, int((now - since) / timedelta(seconds=1)))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def cause_lines(cause: Cause) -> list[str]:
    now = datetime.now(UTC)
    count = len(cause.ids)
    ids = " ".join(f"{cause.service}:{number}" for number in cause.ids[:FEW])
    more = f" and {count - FEW} more" if count > FEW else ""
    ages = f"parked {age(cause.oldest, now)} ago"
    if count > 1:
        ages = f"parked {age(cause.oldest, now)} to {age(cause.newest, now)} ago"
    return [
        f"{cause.name}  {count} {'letter' if count == 1 else 'letters'} of {plain(cause.durable)}, {ages}",
        f"  {plain(cause.subject)}",
        f"  {plain(cause.error)}",
        f"  {ids}{more}",
    ]


def letter_lines(known: Id, letter: Letter, payload: bytes | None, *, is_edited: bool) -> list[str]:
    size = "forgotten" if letter.size is None else f"{letter.size} bytes as it came"
    lines = [
        f"{known}  {plain(letter.subject)}",
        f"  heard by {plain(letter.durable)}, parked {letter.parked_at:%Y-%m-%d %H:%M:%S} UTC"
        f" after {letter.deliveries} deliveries, {size}",
        f"  {plain(letter.error)}",
        *(f"  {plain(name)}: {plain(value)}" for name, value in letter.headers.items()),
    ]
    if payload is not None:
        lines += ["", "as it was edited:" if is_edited else "payload:", *payload_lines(payload)]
    if letter.trail:
        lines += ["", "what was done:"]
    for entry in letter.trail:
        why = f": {plain(entry.reason)}" if entry.reason else ""
        lines.append(f"  {entry.at:%Y-%m-%d %H:%M:%S} UTC  {entry.action} by {plain(entry.by)}{why}")
        if entry.error:
            lines.append(f"    {plain(entry.error)}")
    return lines


def payload_lines(payload: bytes) -> list[str]:
    """JSON in its shape; other text with escapes; anything else as bytes."""
    try:
        shaped = json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        pass
    else:
        return [plain(line) for line in shaped.splitlines()]
    try:
        return [plain(line) for line in payload.decode().splitlines()]
    except UnicodeDecodeError:
        pass
    rows = [payload[start : start + 16] for start in range(0, min(len(payload), MOST_HEX), 16)]
    lines = [f"{16 * number:08x}  {row.hex(' ')}" for number, row in enumerate(rows)]
    return lines if len(payload) <= MOST_HEX else [*lines, f"... {len(payload)} bytes; --raw writes all"]
