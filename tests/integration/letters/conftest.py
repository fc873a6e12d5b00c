from pathlib import Path

import pytest

from tests.integration.letters.hands import Operator
from tests.integration.order.conftest import order_settings, world
from tests.servers import Servers

__all__ = ["operator", "order_settings", "world"]


@pytest.fixture
def operator(servers: Servers, tmp_path: Path) -> Operator:
    return Operator(servers, tmp_path)
