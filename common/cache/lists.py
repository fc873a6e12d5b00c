"""Pages of lists, each under its query. What changes one changes the name under which all are kept."""

import hashlib
import secrets

from common.cache.cache import Cache, Load
from common.cache.memory import Memory
from common.cache.model import Answer
from common.cache.store import Away, Store

MOST_QUERY = 500
"""Characters; nobody asks twice for a page of more."""
EPOCH = "lists"


class Lists:
    """What has changed is found under a new name at once; the old one is nobody's, and ends by itself.

    `pages` knows them by what was asked, so that a page that is asked for again needs no name.
    """

    def __init__(self, cache: Cache, store: Store, pages: Memory) -> None:
        self.pages = pages
        self._cache = cache
        self._store = store
        self._turn = 0
        self._own = ""
        self._seen = ""

    async def read(self, query: str, load: Load) -> Answer | None:
        """`query` says all that the page depends on."""
        if len(query) > MOST_QUERY:
            return await load()
        answer = self.ready(query)
        if answer is not None:
            return answer
        turn = self._turn
        kept = await self._cache.fetch(await self._name(query), load)
        if kept is not None and turn == self._turn:
            self.pages.put(query, kept)
        return kept.answer if kept else None

    def ready(self, query: str) -> Answer | None:
        """Out of memory."""
        answer = self.pages.get(query)
        if answer is not None:
            self._cache.counts.memory += 1
        return answer

    def forget(self) -> None:
        """This process has changed something; until the others have heard of it, it keeps to itself."""
        self._own = secrets.token_hex(4)
        self.turn()

    def turn(self) -> None:
        """Somebody has changed something."""
        self._turn += 1
        self.pages.clear()

    async def _name(self, query: str) -> str:
        try:
            epoch = (await self._store.word(EPOCH) or b"").decode()
        except Away:
            epoch = self._seen
        if epoch != self._seen:
            self._seen, self._own = epoch, ""
        digest = hashlib.blake2s(query.encode(), digest_size=16).hexdigest()
        return f"list:{epoch}:{self._own}:{digest}"


async def begin_epoch(store: Store) -> None:
    """For whoever has heard of a change. Raises Away."""
    await store.set_word(EPOCH, secrets.token_hex(8))
