"""The HTTP side, assembled."""

from litestar import Litestar

from common.cache.measures import CacheCollector
from common.http import app
from common.http.auth import Verifier
from product.parts import Parts
from product.routes import ROUTES
from product.settings import ProductSettings


def create(settings: ProductSettings, parts: Parts, *, serves: bool) -> Litestar:
    """A process that only works still shows its health."""
    held, known = parts.runtime, parts.known
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
            "catalogue": parts.catalogue,
        },
        needed=held.needed(),
        reported=held.reported() | {"redis": parts.caches.store.answers},
        body_limit=settings.body_limit,
        measured=[CacheCollector(parts.caches.counts)],
    )
