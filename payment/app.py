"""HTTP, assembled."""

from litestar import Litestar

from common.cache.caching import Caching
from common.cache.measures import CacheCollector
from common.cache.memory import Memory
from common.http import app
from common.http.auth import Verifier
from common.runtime import Runtime
from common.standing.known import Known
from payment import routes
from payment.calls import Calls
from payment.gateway import Psp
from payment.settings import PaymentSettings
from payment.views import PaymentReads


def create(
    settings: PaymentSettings,
    held: Runtime,
    calls: Calls,
    psp: Psp,
    known: Known,
    caches: Caching,
    *,
    serves: bool,
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
            "payments": PaymentReads(held.db, caches.cache("payment", Memory()), settings.cache_seconds),
        },
        needed=held.needed(),
        reported=held.reported()
        | {
            "unanswered_payments": calls.unanswered,
            "provider": psp.reachable,
            "redis": caches.store.answers,
        },
        body_limit=settings.body_limit,
        measured=[CacheCollector(caches.counts)],
    )
