"""`python -m deploy.psp`: the provider, until it is told to stop."""

import uvicorn

from common.settings import load
from common.telemetry.logs import configure_logging
from deploy.psp import app
from deploy.psp.settings import PspSettings


def main() -> None:
    settings = load(PspSettings)
    configure_logging("psp", settings.log_level)
    uvicorn.run(
        app.create(settings),
        host=settings.host,
        port=settings.port,
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,  # a request that is never answered must not hold up the stop
    )


if __name__ == "__main__":
    main()
