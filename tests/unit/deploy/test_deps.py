"""`./just deps-up`: what services on the host are told is what the containers publish there."""

from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from common.settings import read
from deploy.compose.deps import FILES, JOBS, ON_HOST, SERVERS
from deploy.compose.settings import of_service, toml
from deploy.docs.settings import KINDS
from deploy.embedded.layout import Layout
from deploy.embedded.passwords import Passwords

ROOT = Path(__file__).parents[3]
WHOLE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
DEPS: dict[str, Any] = yaml.safe_load((ROOT / FILES[-1]).read_text())


def published() -> dict[str, list[str]]:
    return {
        name: WHOLE[name].get("ports", []) + DEPS["services"].get(name, {}).get("ports", [])
        for name in SERVERS
    }


def test_it_is_a_project_of_its_own_on_loopback() -> None:
    assert DEPS["name"] != "shop"
    assert {*SERVERS, *JOBS} <= WHOLE.keys()
    assert all(port.startswith("127.0.0.1:") for ports in published().values() for port in ports)


def test_every_address_of_a_server_is_published() -> None:
    open_ports = {port.rpartition(":")[0] for ports in published().values() for port in ports}
    told = {ON_HOST.postgres, *ON_HOST.nats, *ON_HOST.redis, ON_HOST.psp, ON_HOST.smtp, ON_HOST.minio}
    assert told <= open_ports


@pytest.mark.parametrize("service", ON_HOST.ports)
def test_a_service_accepts_its_file(service: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(toml(of_service(service, ON_HOST, Passwords.kept(Layout(tmp_path, 8000)))))
    settings: Any = read(KINDS[service], {"SETTINGS_FILE": str(file)})
    assert (settings.host, settings.port) == ("127.0.0.1", ON_HOST.ports[service])
    assert service != "purchase" or settings.redis_cluster is False
