"""Event streams in tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from deploy.events import Event, read_events

__all__ = ["Event", "stream"]


@asynccontextmanager
async def stream(
    session: aiohttp.ClientSession, url: str, headers: dict[str, str], last_id: int | None = None
) -> AsyncIterator[AsyncIterator[Event]]:
    """One connection; iterating ends when the server ends the stream."""
    sent = headers | ({"Last-Event-ID": str(last_id)} if last_id is not None else {})
    timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
    async with session.get(url, headers=sent, timeout=timeout) as response:
        assert response.status == 200, (response.status, await response.text())
        assert response.content_type == "text/event-stream"
        yield read_events(response)
