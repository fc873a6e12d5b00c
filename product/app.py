"""The HTTP side, assembled."""

from litestar import Litestar

from common.http import app
from common.http.auth import Verifier
from common.runtime import Runtime
from common.standing.known import Known
from product.routes import ROUTES
from product.settings import ProductSettings


def create(settings: ProductSettings, held: Runtime, known: Known, *, serves: bool) -> Litestar:
    """A process that only works still shows its health."""
    verifier = Verifier(
        settings.jwks_url, issuer=settings.jwt_issuer, audience=settings.jwt_audience, known=known
    )
    return app.create(
        settings.service,
        ROUTES if serves else [],
        state={
            "db": held.db,
            "outbox": held.outbox,
            "verifier": verifier,
            "currencies": settings.currencies,
        },
        needed=held.needed(),
        reported=held.reported(),
        body_limit=settings.body_limit,
    )
