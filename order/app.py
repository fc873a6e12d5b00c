"""HTTP, assembled."""

from litestar import Litestar

from common.cache.caching import Caching
from common.cache.measures import CacheCollector
from common.cache.memory import Memory
from common.http import app
from common.http.auth import Verifier
from common.runtime import Runtime
from common.standing.known import Known
from order import routes
from order.settings import OrderSettings
from order.views import OrderReads


def create(
    settings: OrderSettings, held: Runtime, known: Known, caches: Caching, *, serves: bool
) -> Litestar:
    """A process that only works still answers for its health."""
    verifier = Verifier(
        settings.jwks_url, issuer=settings.jwt_issuer, audience=settings.jwt_audience, known=known
    )
    return app.create(
        settings.service,
        routes.ROUTES if serves else [],
        state={
            "db": held.db,
            "outbox": held.outbox,
            "verifier": verifier,
            "orders": OrderReads(held.db, caches.cache("order", Memory()), settings.cache_seconds),
        },
        needed=held.needed(),
        reported=held.reported() | {"redis": caches.store.answers},
        body_limit=settings.body_limit,
        measured=[CacheCollector(caches.counts)],
    )
