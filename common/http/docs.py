"""The page at /docs: every service's OpenAPI document in one Swagger UI, whose files come from a package."""

import json
from collections.abc import Sequence
from importlib.metadata import distribution
from pathlib import Path

from litestar import MediaType, Response, get
from litestar.datastructures.headers import CacheControlHeader
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

FILES = "/docs/files"

HEADERS = {
    # Swagger UI writes style attributes; scripts come from here alone, and nobody may frame the page.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Shop: API</title>
<link rel="icon" href="{FILES}/favicon-32x32.png">
<link rel="stylesheet" href="{FILES}/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="{FILES}/swagger-ui-bundle.js"></script>
<script src="{FILES}/swagger-ui-standalone-preset.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

SCRIPT = """SwaggerUIBundle({
  urls: %s,
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  layout: "StandaloneLayout",
});
"""


def pages(services: Sequence[str]) -> list[ControllerRouterHandler]:
    """The services' documents are asked for where the page came from: at the edge."""
    urls = [{"name": service, "url": f"/api/v1/openapi/{service}.json"} for service in services]
    script = SCRIPT % json.dumps(urls)

    @get("/docs", include_in_schema=False)
    async def docs() -> Response[str]:
        return Response(PAGE, media_type=MediaType.HTML, headers=HEADERS)

    @get("/docs/start.js", include_in_schema=False)
    async def start() -> Response[str]:
        return Response(script, media_type="text/javascript", headers=HEADERS)

    return [docs, start, _files()]


def _files() -> ControllerRouterHandler:
    """Found without importing the package, which is for another framework."""
    package = distribution("flask-swagger-ui")
    return create_static_files_router(
        FILES,
        [Path(str(package.locate_file("flask_swagger_ui/dist")))],
        name="swagger-ui",
        include_in_schema=False,
        cache_control=CacheControlHeader(public=True, max_age=3600),
    )
