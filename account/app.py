"""HTTP, assembled."""

from litestar import Litestar, Router
from litestar.di import Provide

from account.parts import Parts
from account.passwords import Passwords
from account.routes import administration, customer, passwords, registration, sessions, verification
from account.routes.dependencies import device, live
from account.routes.limits import admitted, forgive
from account.settings import AccountSettings
from common.cache.measures import CacheCollector
from common.http import app, docs

DOCUMENTED = ("account", "product", "media", "order", "payment", "purchase")
"""The services with a public API; the page that shows them all is served here."""


def create(settings: AccountSettings, parts: Parts, *, serves: bool) -> Litestar:
    """A process that only works still answers for its health."""
    held = parts.runtime
    return app.create(
        settings.service,
        [routes()] if serves else [],
        state={
            "db": held.db,
            "outbox": held.outbox,
            "verifier": parts.tokens.verifier,
            "settings": settings,
            "tokens": parts.tokens,
            "proofs": parts.proofs,
            "resets": parts.resets,
            "attempts": parts.attempts,
            "own": parts.own,
            "passwords": Passwords(
                memory_kib=settings.password_memory_kib,
                passes=settings.password_passes,
                queue=settings.password_queue,
                share=settings.password_share,
            ),
        },
        needed=held.needed(),
        reported=held.reported() | {"redis": parts.attempts.answers},
        body_limit=settings.body_limit,
        measured=[CacheCollector(parts.caches.counts)],
        pages=docs.pages(DOCUMENTED) if serves else [],
    )


def routes() -> Router:
    return Router(
        "/account",
        route_handlers=[
            *registration.ROUTES,
            *verification.ROUTES,
            *sessions.ROUTES,
            *passwords.ROUTES,
            *customer.ROUTES,
            *administration.ROUTES,
        ],
        dependencies={"device": Provide(device, sync_to_thread=False)},
        guards=[admitted, live],
        after_response=forgive,
    )
