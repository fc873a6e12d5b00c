"""/metrics: what a process counts, as Prometheus reads it. Never on the edge."""

from collections.abc import Sequence

from litestar import Response, Router, get
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector


def routes(measured: Sequence[Collector]) -> Router:
    registry = CollectorRegistry()
    for each in measured:
        registry.register(each)

    @get("/metrics", opt={"public": True}, include_in_schema=False)
    async def show_metrics() -> Response[bytes]:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Router("/", route_handlers=[show_metrics])
