"""Server-sent events, as a client reads them."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    id: int
    type: str
    data: dict[str, Any]

    @property
    def is_decision(self) -> bool:
        return self.type in {"completed", "failed", "timed_out"}


async def read_events(response: aiohttp.ClientResponse) -> AsyncIterator[Event]:
    """The frames of an event stream as they come; comments and the retry hint are left out."""
    fields: dict[str, str] = {}
    async for raw in response.content:
        line = raw.decode().rstrip("\n")
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        else:
            if "event" in fields:
                yield Event(int(fields["id"]), fields["event"], json.loads(fields["data"]))
            fields = {}
