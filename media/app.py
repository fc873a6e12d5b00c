"""The HTTP side, assembled."""

from litestar import Litestar

from common.http import app
from common.http.auth import Verifier
from common.messaging.requests import Requests
from common.runtime import Runtime
from common.standing.known import Known
from media.inspection import Inspector
from media.intake import Intake
from media.routes import ROUTES
from media.routes.uploads import Door
from media.sellers import Sellers
from media.settings import MediaSettings


def create(settings: MediaSettings, held: Runtime, intake: Intake, known: Known, *, serves: bool) -> Litestar:
    """A process that only works still shows its health. Without the object store it shows what it has."""
    verifier = Verifier(
        settings.jwks_url, issuer=settings.jwt_issuer, audience=settings.jwt_audience, known=known
    )
    sellers = Sellers(held.db, Requests(held.broker))
    return app.create(
        settings.service,
        ROUTES if serves else [],
        state={
            "db": held.db,
            "outbox": held.outbox,
            "verifier": verifier,
            "store": intake.store,
            "intake": intake,
            "door": Door(settings, sellers, Inspector(settings.upload_folder), intake),
            "link_seconds": settings.link_seconds,
        },
        needed=held.needed(),
        reported=held.reported() | {"s3": intake.store.reachable},
        body_limit=settings.body_limit,
    )
