"""HTTP, assembled."""

from litestar import Litestar

from common.http.app import create as create_app
from common.http.auth import Verifier
from purchase import page, routes, streams
from purchase.measures import StreamMeasures
from purchase.parts import Parts
from purchase.settings import PurchaseSettings

ROUTES = [
    routes.request_purchase,
    routes.list_purchases,
    routes.show_purchase,
    routes.cancel_purchase,
    streams.open_stream_session,
    streams.close_stream_session,
    streams.watch_purchase,
    streams.watch_purchases,
]


def create(settings: PurchaseSettings, parts: Parts, *, serves: bool) -> Litestar:
    held = parts.runtime
    verifier = Verifier(
        settings.jwks_url, issuer=settings.jwt_issuer, audience=settings.jwt_audience, known=parts.known
    )
    return create_app(
        settings.service,
        ROUTES if serves else [],
        state={
            "db": held.db,
            "outbox": held.outbox,
            "verifier": verifier,
            "settings": settings,
            "acceptance": parts.acceptance,
            "backlog": parts.backlog,
            "decisions": parts.decisions,
            "followers": parts.followers,
            "pulse": parts.pulse,
        },
        needed=held.needed(),
        reported={**held.reported(), "redis": parts.progress.answers},
        body_limit=settings.body_limit,
        measured=[parts.decisions.measures, StreamMeasures(parts.followers)],
        pages=page.pages(settings) if serves else (),
    )
