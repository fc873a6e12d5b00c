"""HTTP, assembled."""

from litestar import Litestar, Router

from account.codes import Codes
from account.passwords import Passwords
from account.routes import customer, registration, sessions, verification
from account.routes.dependencies import lent, live
from account.settings import AccountSettings
from account.tokens import AccessTokens
from common.http import app
from common.http.auth import Verifier
from common.runtime import Runtime


def create(settings: AccountSettings, held: Runtime, *, serves: bool) -> Litestar:
    """A process that only works still answers for its health."""
    tokens = AccessTokens.configured(settings)
    verifier = Verifier(None, issuer=settings.jwt_issuer, audience=settings.jwt_audience, keys=tokens.keys)
    return app.create(
        settings.service,
        [_routes(settings, tokens)] if serves else [],
        state={"db": held.db, "outbox": held.outbox, "verifier": verifier},
        needed=held.needed(),
        reported=held.reported(),
        body_limit=settings.body_limit,
    )


def _routes(settings: AccountSettings, tokens: AccessTokens) -> Router:
    passwords = Passwords(
        memory_kib=settings.password_memory_kib,
        passes=settings.password_passes,
        queue=settings.password_queue,
    )
    codes = Codes(tokens.secret_for("verification codes"))
    return Router(
        "/account",
        route_handlers=[
            *registration.ROUTES,
            *verification.ROUTES,
            *sessions.ROUTES,
            *customer.ROUTES,
        ],
        dependencies=lent(settings, tokens, passwords, codes),
        guards=[live],
    )
