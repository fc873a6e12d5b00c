from collections.abc import Callable

import pytest

from purchase.settings import PurchaseSettings
from tests.servers import Servers
from tests.support import Issuer, free_port

Make = Callable[..., PurchaseSettings]


@pytest.fixture
def settings(servers: Servers, database: Callable[[str], str], nats_url: str, issuer: Issuer) -> Make:
    """Settings over one fresh database; replicas made by one test share it."""
    url = database("purchase")

    def make(**changed: object) -> PurchaseSettings:
        known: dict[str, object] = {
            "port": free_port(),
            "database_url": url,
            "nats_url": nats_url,
            "redis_url": servers.redis_url,
            "jwks_url": issuer.jwks_url,
        }
        return PurchaseSettings(**(known | changed))  # type: ignore[arg-type]

    return make
