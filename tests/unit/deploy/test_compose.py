"""compose.yaml, read as a container engine would, and the files that its containers get."""

import fnmatch
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml  # type: ignore[import-untyped]

from common.messaging.provisioner import ProvisionerSettings
from common.postgres.migrate import MigrateSettings
from common.settings import read
from deploy.compose import __main__ as job
from deploy.docs.settings import KINDS
from deploy.embedded import services, traefik
from deploy.embedded.layout import WITH_DATABASE, Layout

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text()


@pytest.fixture
def volumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "argv", ["deploy.compose", str(tmp_path)])
    job.main()
    return tmp_path


def mounts(name: str) -> dict[str, str]:
    """Where -> what."""
    return {each.split(":")[1]: each.split(":")[0] for each in SERVICES[name].get("volumes", [])}


def test_every_service_of_the_shop_runs_in_a_container() -> None:
    assert set(job.SERVICES) == set(services.present())
    for service in services.present():
        assert SERVICES[service]["command"] == ["python", "-m", service]
        assert mounts(service)["/settings"] == f"{service}-settings"
    assert set(WITH_DATABASE) <= set(job.SERVICES)


def test_every_module_that_a_container_runs_is_there() -> None:
    modules = [each["command"][2] for each in SERVICES.values() if each["image"] == "shop"]
    assert [module for module in modules if not services.runs(module)] == []


def test_every_image_is_pinned() -> None:
    images = {each["image"] for each in SERVICES.values()} - {COMPOSE["name"]}
    bases = set(re.findall(r"^ARG PYTHON=(.*)$", DOCKERFILE, re.MULTILINE))
    assert bases
    for image in images | {f"python:{base}" for base in bases}:
        assert re.search(r":\D*\d+[.-]\d+", image), image


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_container_waits_for_can_happen(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        if wait["condition"] == "service_healthy":
            assert SERVICES[other]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
        else:
            assert wait["condition"] == "service_completed_successfully"
            assert SERVICES[other]["restart"] == "no"


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_container_mounts_is_there(name: str) -> None:
    for source in mounts(name).values():
        if source.startswith("./"):
            assert (ROOT / source).is_file()
        else:
            assert source in COMPOSE["volumes"]


def test_every_volume_is_used() -> None:
    assert {source for name in SERVICES for source in mounts(name).values()} >= COMPOSE["volumes"].keys()


def test_the_job_reaches_every_settings_volume_and_only_their_owners_read_them() -> None:
    written = {source for source in mounts("secrets").values() if source.endswith("-settings")}
    assert written == {volume for volume in COMPOSE["volumes"] if volume.endswith("-settings")}
    readers = {
        volume: {name for name in SERVICES if name != "secrets" and volume in mounts(name).values()}
        for volume in written
    }
    assert readers.pop("postgres-settings") == {"postgres", "databases"}
    assert readers == {volume: {volume.removesuffix("-settings")} for volume in readers}


def test_the_job_writes_settings_that_everybody_accepts(volumes: Path) -> None:
    kinds: dict[str, type[msgspec.Struct]] = {
        **{service: KINDS[service] for service in job.SERVICES},
        "provisioner": ProvisionerSettings,
        "migrations": MigrateSettings,
    }
    for folder, kind in kinds.items():
        file = volumes / folder / "settings.toml"
        read(kind, {"SETTINGS_FILE": str(file)})
        known = {field.name for field in msgspec.structs.fields(kind)}
        assert tomllib.loads(file.read_text()).keys() <= known


def test_the_job_keeps_its_secrets(volumes: Path) -> None:
    def text() -> dict[Path, str]:
        return {
            file: file.read_text()
            for file in volumes.rglob("*")
            if file.is_file() and file.name != "roles.sql"  # its verifiers are salted anew
        }

    before = text()
    job.main()
    assert text() == before


def test_nobody_reads_a_password_of_somebody_else(volumes: Path) -> None:
    passwords = tomllib.loads((volumes / "migrations/settings.toml").read_text())["databases"]
    for service in job.SERVICES:
        mine = (volumes / service / "settings.toml").read_text()
        assert not [url for url in passwords.values() if url in mine]
        others = set(re.findall(r"postgresql://(\w+)_runtime:", mine)) - {service}
        assert others == set()


def test_the_edge_serves_what_the_embedded_one_serves() -> None:
    routes = yaml.safe_load((ROOT / "deploy/compose/routes.yaml").read_text())["http"]
    assert {name: router["rule"] for name, router in routes["routers"].items()} == {
        name: traefik.rule(name) for name in traefik.PREFIXES
    }
    for name, service in routes["services"].items():
        assert service["loadBalancer"]["servers"] == [{"url": f"http://{name}:{job.PORT}"}]


def test_the_edge_is_as_careful_as_the_embedded_one() -> None:
    contained = yaml.safe_load((ROOT / "deploy/compose/traefik.yaml").read_text())["entryPoints"]["edge"]
    embedded: Any = traefik.static(Layout(ROOT, 8000), ROOT)["entryPoints"]
    assert contained["http"] == embedded["edge"]["http"]
    timeouts = contained["transport"]["respondingTimeouts"]
    assert timeouts == embedded["edge"]["transport"]["respondingTimeouts"]
    assert timeouts["writeTimeout"] == 0


def test_the_image_has_every_package_and_no_more() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    admitted = {line[1:] for line in lines if line.startswith("!")}
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    assert admitted == {*packages, "pyproject.toml", "requirements.lock"}
    assert any(fnmatch.fnmatch("order", line) for line in lines if not line.startswith(("!", "#")))


def test_the_image_is_not_run_by_root() -> None:
    users = re.findall(r"^USER (\d+):", DOCKERFILE, re.MULTILINE)
    assert users == ["10001"]
    assert [name for name, each in SERVICES.items() if str(each.get("user", "")).startswith("0")] == [
        "secrets"
    ]


def test_only_the_edge_is_open_to_the_world() -> None:
    published = {name: each["ports"] for name, each in SERVICES.items() if "ports" in each}
    assert published.pop("traefik") == ["80:80", "127.0.0.1:8080:8080"]
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
