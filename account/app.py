"""HTTP, assembled."""

from litestar import Litestar, Router
from litestar.di import Provide

from account.codes import Codes
from account.passwords import Passwords
from account.routes import customer, registration, sessions, verification
from account.routes.dependencies import device, live
from account.settings import AccountSettings
from account.tokens import AccessTokens
from common.http import app, docs
from common.http.auth import Verifier
from common.runtime import Runtime

DOCUMENTED = ("account", "product", "order", "payment", "purchase")
"""The services with a public API; the page that shows them all is served here."""


def create(settings: AccountSettings, held: Runtime, *, serves: bool) -> Litestar:
    """A process that only works still answers for its health."""
    tokens = AccessTokens.configured(settings)
    return app.create(
        settings.service,
        [routes()] if serves else [],
        state={
            "db": held.db,
            "outbox": held.outbox,
            "verifier": Verifier(
                None, issuer=settings.jwt_issuer, audience=settings.jwt_audience, keys=tokens.keys
            ),
            "settings": settings,
            "tokens": tokens,
            "codes": Codes(tokens.secret_for("verification codes")),
            "passwords": Passwords(
                memory_kib=settings.password_memory_kib,
                passes=settings.password_passes,
                queue=settings.password_queue,
            ),
        },
        needed=held.needed(),
        reported=held.reported(),
        body_limit=settings.body_limit,
        pages=docs.pages(DOCUMENTED) if serves else [],
    )


def routes() -> Router:
    return Router(
        "/account",
        route_handlers=[
            *registration.ROUTES,
            *verification.ROUTES,
            *sessions.ROUTES,
            *customer.ROUTES,
        ],
        dependencies={"device": Provide(device, sync_to_thread=False)},
        guards=[live],
    )
