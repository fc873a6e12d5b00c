"""The HTTP side, assembled."""

from litestar import Litestar

from common.http import app
from common.http.auth import Verifier
from common.messaging.requests import Requests
from common.runtime import Runtime
from common.standing.known import Known
from media.routes import ROUTES
from media.routes.uploads import Door
from media.sellers import Sellers
from media.settings import MediaSettings
from media.staging import Staging


def create(
    settings: MediaSettings, held: Runtime, staging: Staging, known: Known, *, serves: bool
) -> Litestar:
    """A process that only works still shows its health. Without the object store it shows what it has."""
    verifier = Verifier(
        settings.jwks_url, issuer=settings.jwt_issuer, audience=settings.jwt_audience, known=known
    )
    sellers = Sellers(held.db, Requests(held.broker))
    intake = staging.intake
    return app.create(
        settings.service,
        ROUTES if serves else [],
        state={
            "db": held.db,
            "outbox": held.outbox,
            "verifier": verifier,
            "store": intake.store,
            "intake": intake,
            "door": Door(settings, sellers, staging),
            "staging": staging,
            "link_seconds": settings.link_seconds,
        },
        needed=held.needed(),
        reported=held.reported() | {"s3": intake.store.reachable},
        body_limit=settings.body_limit,
    )
