"""What letters have in common: the durable, the subject, and the error without what differs each time."""

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from common.contracts.letters import Open

IDS = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b|\b(?=[a-f]*\d)[0-9a-f]{12,}\b")
NUMBERS = re.compile(r"\d+")


class Cause(NamedTuple):
    """Letters of one service that failed alike, in order of their ids."""

    name: str
    service: str
    durable: str
    subject: str
    error: str
    ids: list[int]
    oldest: datetime
    newest: datetime


def normalised(error: str) -> str:
    """The first line, without ids and numbers."""
    first = (error.splitlines() or [""])[0]
    return NUMBERS.sub("N", IDS.sub("ID", first))[:200]


def name(service: str, letter: Open) -> str:
    """Short, and the same every time: `order/3fa9c1`."""
    alike = "\0".join([letter.durable, letter.subject, normalised(letter.error)])
    return f"{service}/{hashlib.sha256(alike.encode(errors='surrogatepass')).hexdigest()[:6]}"


def grouped(letters: Iterable[tuple[str, Open]]) -> list[Cause]:
    """The causes with most letters first."""
    alike: dict[str, list[tuple[str, Open]]] = {}
    for service, letter in letters:
        alike.setdefault(name(service, letter), []).append((service, letter))
    causes = [
        Cause(
            name=known,
            service=group[0][0],
            durable=group[0][1].durable,
            subject=group[0][1].subject,
            error=normalised(group[0][1].error),
            ids=[letter.id for _, letter in group],
            oldest=min(letter.parked_at for _, letter in group),
            newest=max(letter.parked_at for _, letter in group),
        )
        for known, group in alike.items()
    ]
    return sorted(causes, key=lambda cause: (-len(cause.ids), cause.name))
