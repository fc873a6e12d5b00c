"""A small event-stream client for tests: reads frames as they come, remembers the last id."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp


@dataclass(frozen=True)
class Event:
    id: int
    type: str
    data: dict[str, Any] = field(default_factory=dict)


class Stream:
    """One connection. Iterating ends when the server ends the stream."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def __aiter__(self) -> AsyncIterator[Event]:
        fields: dict[str, str] = {}
        async for raw in self.response.content:
            line = raw.decode().rstrip("\n")
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            else:
                if "event" in fields:
                    yield Event(int(fields["id"]), fields["event"], json.loads(fields["data"]))
                fields = {}

    async def until(self, *types: str) -> list[Event]:
        """Everything up to and with the first event of one of these types."""
        seen = []
        async for event in self:
            seen.append(event)
            if event.type in types:
                return seen
        raise AssertionError(f"the stream ended before {types}: {seen}")


@asynccontextmanager
async def stream(
    session: aiohttp.ClientSession, url: str, headers: dict[str, str], last_id: int | None = None
) -> AsyncIterator[Stream]:
    sent = headers | ({"Last-Event-ID": str(last_id)} if last_id is not None else {})
    timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
    async with session.get(url, headers=sent, timeout=timeout) as response:
        assert response.status == 200, (response.status, await response.text())
        assert response.content_type == "text/event-stream"
        yield Stream(response)
