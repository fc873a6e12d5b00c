"""What every route answers while something that it could need is away.

The page is drawn from it, and `tests/e2e/test_degraded.py` takes each away in turn and asks every route.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from deploy.docs.pages import table as as_table
from deploy.embedded.layout import SERVICES, WITH_DATABASE


class Away(StrEnum):
    """What may be away."""

    DATABASE = "its own database"
    NATS = "NATS"
    REDIS = "Redis"
    S3 = "the object store"
    SMTP = "the mail server"
    PROVIDER = "the payment provider"
    SERVICE = "another service"


class Answer(StrEnum):
    """What a client gets. Nothing ever answers 500 for an outage."""

    AS_EVER = "as ever"
    REFUSED = "503"
    """`application/problem+json` with `Retry-After`."""
    KEPT = "what is kept, else 503"
    """An answer that is not older than CACHE_SECONDS, from the process or Redis."""
    KEPT_SHORTLY = "what is kept for five seconds, then 503"
    """What shows stock is not older than that."""


class Purchase(StrEnum):
    """What becomes of a purchase that is asked for meanwhile."""

    COMPLETED = "accepted, completed meanwhile"
    LATER = "accepted, goes on when it is back"
    REFUSED = "503"


class Kind(NamedTuple):
    """Routes of a service that answer alike; what is not in `answers` is answered as ever."""

    service: str
    name: str
    routes: tuple[str, ...]
    answers: Mapping[Away, Answer]


NEEDS_ROWS = {Away.DATABASE: Answer.REFUSED}

KINDS = (
    Kind("account", "the public keys", ("GET /account/jwks",), {}),
    Kind(
        "account",
        "everything else: the row of the account is asked at each request",
        (
            "GET /account/accounts",
            "GET /account/accounts/{account_id}",
            "PATCH /account/accounts/{account_id}",
            "GET /account/customer/delivery",
            "PUT /account/customer/delivery",
            "GET /account/customer/personal",
            "PUT /account/customer/personal",
            "POST /account/login",
            "POST /account/logout",
            "POST /account/password",
            "POST /account/password/forgot",
            "POST /account/password/reset",
            "POST /account/refresh",
            "POST /account/register",
            "GET /account/sessions",
            "DELETE /account/sessions",
            "DELETE /account/sessions/{session_id}",
            "POST /account/verify",
            "POST /account/verify/resend",
        ),
        NEEDS_ROWS,
    ),
    Kind(
        "product",
        "cached reads of stock, and lists",
        ("GET /categories", "GET /products", "GET /products/{product_id}"),
        {Away.DATABASE: Answer.KEPT_SHORTLY},
    ),
    Kind("product", "a cached read", ("GET /categories/{category_id}",), {Away.DATABASE: Answer.KEPT}),
    Kind(
        "product",
        "uncached reads",
        ("POST /products/check", "GET /products/{product_id}/stock/movements"),
        NEEDS_ROWS,
    ),
    Kind(
        "product",
        "writes",
        (
            "POST /categories",
            "PUT /categories/{category_id}",
            "DELETE /categories/{category_id}",
            "POST /products",
            "PUT /products/{product_id}",
            "DELETE /products/{product_id}",
            "POST /products/{product_id}/stock",
        ),
        NEEDS_ROWS,
    ),
    Kind("order", "a cached read", ("GET /orders/{order_id}",), {Away.DATABASE: Answer.KEPT}),
    Kind("order", "an uncached read", ("GET /orders",), NEEDS_ROWS),
    Kind("payment", "what never changes", ("GET /payments/methods",), {}),
    Kind("payment", "a cached read", ("GET /payments/{payment_id}",), {Away.DATABASE: Answer.KEPT}),
    Kind("payment", "an uncached read", ("GET /payments",), NEEDS_ROWS),
    Kind(
        "purchase",
        "the cookie",
        ("POST /purchases/stream-session", "DELETE /purchases/stream-session"),
        {},
    ),
    Kind("purchase", "reads", ("GET /purchases", "GET /purchases/{purchase_id}"), NEEDS_ROWS),
    Kind("purchase", "writes", ("POST /purchases", "POST /purchases/{purchase_id}/cancel"), NEEDS_ROWS),
    Kind(
        "purchase",
        "streams that are opened",
        ("GET /purchases/events", "GET /purchases/{purchase_id}/events"),
        NEEDS_ROWS,
    ),
    Kind(
        "media",
        "reads",
        ("GET /media", "GET /media/{media_id}", "GET /media/{media_id}/link"),
        NEEDS_ROWS,
    ),
    Kind("media", "an offered link", ("POST /media/uploads",), NEEDS_ROWS),
    Kind(
        "media",
        "what moves objects",
        ("POST /media/upload", "POST /media/uploads/{upload_id}", "DELETE /media/{media_id}"),
        NEEDS_ROWS | {Away.S3: Answer.REFUSED},
    ),
)


class Effect(NamedTuple):
    """`readiness`: of which services it shows, how, and under which check."""

    purchase: Purchase
    streams: str
    readiness: Mapping[str, tuple[str, str]]


DEGRADED, NOT_READY = "degraded", "unavailable"
WITH_REDIS = ("account", "product", "order", "payment", "purchase")

EFFECTS: Mapping[Away, Effect] = {
    Away.DATABASE: Effect(
        Purchase.REFUSED,
        "stay open, and go on where they were",
        dict.fromkeys(WITH_DATABASE, (NOT_READY, "postgres")),
    ),
    Away.NATS: Effect(
        Purchase.LATER,
        "stay open",
        dict.fromkeys(WITH_DATABASE, (DEGRADED, "nats")) | {"orchestrator": (NOT_READY, "nats")},
    ),
    Away.REDIS: Effect(
        Purchase.COMPLETED,
        "stay open; an event takes five seconds at most",
        dict.fromkeys(WITH_REDIS, (DEGRADED, "redis")),
    ),
    Away.S3: Effect(Purchase.COMPLETED, "as ever", {"media": (DEGRADED, "s3")}),
    Away.SMTP: Effect(Purchase.COMPLETED, "as ever; settled as ever", {"mail": (DEGRADED, "smtp")}),
    Away.PROVIDER: Effect(Purchase.LATER, "stay open", {"payment": (DEGRADED, "provider")}),
    Away.SERVICE: Effect(Purchase.LATER, "stay open", {}),
}
"""Of `another service` each is taken away: only those in the way of a purchase hold it up."""

IN_THE_WAY = ("product", "order", "payment", "orchestrator")
"""Without the others a purchase is completed; without *purchase* itself nobody can ask for one."""


def kinds() -> str:
    """What makes no difference to any route has one column."""
    telling = [away for away in Away if any(away in kind.answers for kind in KINDS)]
    others = [away for away in Away if away not in telling]
    rows = [
        [
            kind.service,
            f"{kind.name}: {_listed(kind)}" if len(kind.routes) <= LISTED else kind.name,
            *(kind.answers.get(away, Answer.AS_EVER) for away in telling),
            Answer.AS_EVER,
        ]
        for kind in KINDS
    ]
    return as_table(["Service", "Routes", *telling, ", ".join(others)], rows)


LISTED = 7


def _listed(kind: Kind) -> str:
    return ", ".join(f"`{route}`" for route in kind.routes)


def effects() -> str:
    rows = [
        [away, effect.purchase, effect.streams, "; ".join(_shown(effect.readiness)) or "no difference"]
        for away, effect in EFFECTS.items()
    ]
    return as_table(["Away", "A purchase", "Streams that are open", "`/readyz`"], rows)


def _shown(readiness: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    """Services that show the same are named together."""
    for state in dict.fromkeys(readiness.values()):
        who = [service for service in SERVICES if readiness.get(service) == state]
        yield f"{', '.join(who)}: {state[0]} (`{state[1]}`)"


def table() -> str:
    return f"{kinds()}\n\n{effects()}"


def answer(route: str, away: Away) -> Answer:
    """KeyError: a route without an entry."""
    found = {name: kind for kind in KINDS for name in kind.routes}
    return found[route].answers.get(away, Answer.AS_EVER)
