"""The caches of one process, assembled."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from common.cache.cache import Cache
from common.cache.changes import Changes, Meaning
from common.cache.counts import Counts
from common.cache.lists import Lists
from common.cache.memory import Memory
from common.cache.store import Store
from common.redis import Bell
from common.settings import CacheSettings


class Caching:
    """Names in Redis begin with the service and its database: what is kept belongs to the two together."""

    def __init__(self, settings: CacheSettings) -> None:
        database = urlsplit(settings.database_url).path.lstrip("/")
        self.space = f"{settings.service}:{database}"
        self.store = Store(
            settings.redis_url,
            cluster=settings.redis_cluster,
            space=self.space,
            fence_seconds=2 * settings.cache_seconds + 10,
        )
        self.bell = Bell(settings.redis_url, f"{self.space}:changes", cluster=settings.redis_cluster)
        self.counts: dict[str, Counts] = {}

    def cache(
        self,
        kind: str,
        memory: Memory,
        *,
        coalesced: bool = False,
        excludes: Callable[[str], Awaitable[bool]] | None = None,
    ) -> Cache:
        self.counts[kind] = Counts()
        return Cache(self.store, memory, self.counts[kind], coalesced=coalesced, excludes=excludes)

    def changes(self, meaning: Meaning, memory: Memory, lists: Lists | None = None) -> Changes:
        return Changes(self.store, self.bell, meaning, memory, lists)


@asynccontextmanager
async def caching(settings: CacheSettings) -> AsyncIterator[Caching]:
    """Opens nothing before it is used."""
    opened = Caching(settings)
    try:
        yield opened
    finally:
        await opened.store.aclose()
        await opened.bell.aclose()
