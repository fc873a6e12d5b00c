"""What a process does not load, and that this keeps nobody from loading it."""

import subprocess
import sys

import pytest

HEAVY = ("aiohttp", "opentelemetry.sdk", "sqlalchemy", "testcontainers")
SILENT = {"log_level": "INFO", "log_format": "json", "error_dsn": "", "otlp_endpoint": "", "trace_ratio": 1.0}
PROGRAM = """
import sys, types, {service}.__main__
from common.telemetry import spans
from common.telemetry.telling import tell
from common.telemetry.who import Who

tell(types.SimpleNamespace(**{settings}), Who("{service}", "1", "here:1"))()
assert not spans.is_on()
print(*(name for name in {names} if name in sys.modules))
"""


def loaded(service: str) -> list[str]:
    """By a process that was told of no collector of traces."""
    program = PROGRAM.format(service=service, settings=SILENT, names=HEAVY)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return run.stdout.split()


@pytest.mark.parametrize("service", ["account", "product", "order", "purchase", "orchestrator", "mail"])
def test_a_service_loads_nothing_heavy_that_it_has_no_use_for(service: str) -> None:
    assert loaded(service) == []


@pytest.mark.parametrize("service", ["payment", "media"])
def test_whoever_speaks_http_to_others_has_a_client_for_it(service: str) -> None:
    assert loaded(service) == ["aiohttp"]
