"""What a process does not load, and that this keeps nobody from loading it."""

import subprocess
import sys

import pytest

LOADED = "import sys, {service}.__main__; print(*(name for name in {names} if name in sys.modules))"
HEAVY = ("aiohttp", "opentelemetry.sdk", "sqlalchemy", "testcontainers")


def loaded(service: str) -> list[str]:
    program = LOADED.format(service=service, names=HEAVY)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return run.stdout.split()


@pytest.mark.parametrize("service", ["account", "product", "order", "purchase", "orchestrator", "mail"])
def test_a_service_loads_nothing_heavy_that_it_has_no_use_for(service: str) -> None:
    assert loaded(service) == []


@pytest.mark.parametrize("service", ["payment", "media"])
def test_whoever_speaks_http_to_others_has_a_client_for_it(service: str) -> None:
    assert loaded(service) == ["aiohttp"]
