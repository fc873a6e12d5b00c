"""What the purchase service refuses to start with."""

import msgspec
import pytest

from common.settings import read
from purchase.settings import PurchaseSettings

NEEDED = {"PORT": "1", "NATS_URL": "x", "DATABASE_URL": "x", "JWKS_URL": "x"}
SEVERAL = NEEDED | {"REDIS_URL": "redis://a,redis://b"}


def test_several_addresses_of_redis_are_a_clusters() -> None:
    assert read(PurchaseSettings, SEVERAL | {"REDIS_CLUSTER": "true"}).redis_cluster
    with pytest.raises(msgspec.ValidationError, match="redis_cluster"):
        read(PurchaseSettings, SEVERAL)
