"""The pools of all processes together fit into Postgres, or nothing starts."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml  # type: ignore[import-untyped]

from common.settings import DatabaseSettings
from deploy.docs.settings import KINDS
from deploy.embedded import pools
from deploy.embedded.errors import Misconfigured
from deploy.embedded.layout import MOST_REPLICAS, WITH_DATABASE
from deploy.embedded.postgres import OPTIONS

MOST = int(OPTIONS["max_connections"])
COMPOSE: dict[str, Any] = yaml.safe_load((Path(__file__).parents[3] / "compose.yaml").read_text())


def test_two_of_everything_fit_as_they_are() -> None:
    pools.require_room(dict.fromkeys(WITH_DATABASE, 2), {}, MOST)


def test_too_many_replicas_are_refused_with_the_size_that_would_fit() -> None:
    many = dict.fromkeys(WITH_DATABASE, MOST_REPLICAS)
    with pytest.raises(Misconfigured, match=r"lower POOL_SIZE to (\d+), or SHOP_REPLICAS") as refused:
        pools.require_room(many, {}, MOST)
    [size] = re.findall(r"lower POOL_SIZE to (\d+)", str(refused.value))
    pools.require_room(many, {"POOL_SIZE": size}, MOST)
    with pytest.raises(Misconfigured):
        pools.require_room(many, {"POOL_SIZE": str(int(size) + 1)}, MOST)


def test_a_pool_that_is_too_large_is_refused_however_few_there_are() -> None:
    with pytest.raises(Misconfigured, match="POOL_SIZE=100 "):
        pools.require_room({}, {"POOL_SIZE": "100"}, MOST)


@pytest.mark.parametrize("given", ["many", "0", "-1"])
def test_a_size_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(Misconfigured, match=f"POOL_SIZE={given} must be"):
        pools.pool_size({"POOL_SIZE": given})


def test_no_service_has_a_default_of_its_own() -> None:
    """The count above takes it for everybody's."""
    defaults = {
        field.default
        for kind in KINDS.values()
        if issubclass(kind, DatabaseSettings)
        for field in msgspec.structs.fields(kind)
        if field.name == "pool_size"
    }
    assert defaults == {pools.pool_size({})}


def test_the_containers_pools_fit_twice_into_their_postgres() -> None:
    """Twice, for a `--scale` of one or two services, and for a rollout."""
    [most] = [
        int(option.removeprefix("--max_connections="))
        for option in COMPOSE["services"]["postgres"]["command"]
        if option.startswith("--max_connections=")
    ]
    sizes = []
    for service in WITH_DATABASE:
        container = COMPOSE["services"][service]
        replicas = container.get("deploy", {}).get("replicas", container.get("scale", 1))
        sizes += [pools.pool_size(container.get("environment", {}))] * int(replicas)
    assert 2 * pools.demand(sizes) <= most - pools.SPARE


def test_one_service_may_not_outgrow_its_role_though_the_server_had_room() -> None:
    with pytest.raises(Misconfigured, match=r"of one service .* lower POOL_SIZE to 11, or SHOP_REPLICAS"):
        pools.require_room({"order": 8}, {"POOL_SIZE": "12"}, 1000)
    pools.require_room({"order": 8}, {"POOL_SIZE": "11"}, 1000)
