"""The real gateway over the real book: only the socket between them is missing."""

from collections.abc import Awaitable
from typing import Any, TypeVar

import msgspec

from deploy.psp.book import Authorize, Book, Capture, Entry, Void
from payment import gateway
from payment.gateway import Psp
from payment.model.answers import Answer
from tests.model.books import Till
from tests.model.words import AT

T = TypeVar("T")

REQUESTS: dict[str, type[Authorize | Capture | Void]] = {
    "/v1/authorizations": Authorize,
    "/v1/captures": Capture,
    "/v1/voids": Void,
}


class Asked(Psp):
    """Everything of the gateway but the wire: its keys, its questions, and how it reads an answer."""

    def __init__(self, book: Book) -> None:
        self.book = book

    async def _post(self, path: str, key: str, question: dict[str, Any]) -> Any:
        request = msgspec.convert(question, REQUESTS[path])
        entry = self.book.known(key, request)
        if entry is None:
            entry = self.book.decide(key, request, AT)
            self.book.record(entry)
        return gateway._Answer(entry.status, entry.reason)


def answers(till: Till, provider: type[Asked]) -> list[tuple[Answer, tuple[Entry, ...]]]:
    """All that the provider can answer now, and its book afterwards. What it does not hold it may decline."""
    assert till.payment is not None
    possible: dict[tuple[Entry, ...], Answer] = {}
    for limit in (None, 0):
        book = till.book
        book.payment_limit = limit
        answer = at_once(gateway.ask(provider(book), till.payment))
        possible.setdefault(tuple(book.entries.values()), answer)
    return [(answer, entries) for entries, answer in possible.items()]


def at_once(awaitable: Awaitable[T]) -> T:
    """What it returns, given that it never waits."""
    try:
        next(awaitable.__await__())
    except StopIteration as returned:
        result: T = returned.value
        return result
    raise AssertionError("it waits")
