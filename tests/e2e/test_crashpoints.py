"""A few of the named places, a few deaths each; `./just crashpoints` is the whole campaign."""

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.chaos.crashpoints import POINTS, SETTINGS, crash
from deploy.chaos.load import prepare
from deploy.client import Shop
from deploy.embedded.stack import Stack
from tests.servers import free_base

pytestmark = pytest.mark.embedded
FEW = [
    ("purchase", "accept.before_answer"),
    ("orchestrator", "orchestrator.between_publishes"),
    ("payment", "provider.after_authorizing"),
    ("product", "consumer.after_commit"),
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(home=Path(tmp_path_factory.mktemp("crash")), port_base=free_base(), environment=SETTINGS)
    made.start(tied=True)
    yield made
    made.stop()


@pytest.mark.parametrize(("service", "place"), FEW)
async def test_dying_there_loses_nothing(stack: Stack, service: str, place: str) -> None:
    assert (service, place) in POINTS
    given = Namespace(kills=2, purchases=20, chance=0.5, seconds=300)
    async with Shop.at(stack.url("edge"), stack.url("mail_api")) as shop:
        outcome = await crash(stack, await prepare(shop, 5), service, place, given)
    assert outcome.violations == []
    assert outcome.kills == 2
