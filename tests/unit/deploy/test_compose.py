"""compose.yaml, read as a container engine would."""

import fnmatch
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from deploy.compose import settings
from deploy.compose.settings import NATS_NODES, REDIS_NODES
from deploy.embedded import services, traefik
from deploy.embedded.layout import WITH_DATABASE, Layout
from deploy.observe import dashboards

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OFFLINE: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.offline.yaml").read_text())["services"]
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text()
OBSERVERS = {"jaeger", "prometheus", "grafana"}
NOWHERE_ELSE = {"jaeger", "grafana"}
"""Their own images are the only packages that there are of them."""
ONCE = {name for name, each in SERVICES.items() if each["restart"] == "no"}


def mounts(name: str) -> dict[str, str]:
    """Where -> what."""
    return {each.split(":")[1]: each.split(":")[0] for each in SERVICES[name].get("volumes", [])}


def test_every_service_of_the_shop_runs_in_a_container() -> None:
    assert set(settings.SERVICES) == set(services.present())
    for service in services.present():
        assert SERVICES[service]["command"] == ["python", "-m", service]
        assert mounts(service)["/settings"] == f"{service}-settings"
    assert set(WITH_DATABASE) <= set(settings.SERVICES)


def modules() -> list[str]:
    """Whatever our image is asked to run."""
    ours = [each for each in SERVICES.values() if each["image"] == COMPOSE["name"]]
    return [each.get("entrypoint", each["command"])[2] for each in ours]


def test_every_module_that_a_container_runs_is_there() -> None:
    assert [module for module in modules() if not services.runs(module)] == []


def test_what_a_container_runs_needs_no_package_of_the_extras() -> None:
    """The image has none of them; what can be imported depends on who asks, so a process of its own does."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    absent = {re.split(r"[^\w-]", each)[0] for group in extras.values() for each in group}
    missing = {name: None for name, owners in packages_distributions().items() if absent & {*owners}}
    assert "psutil" in missing
    starts = [f"{each}.__main__" if (ROOT / each.replace(".", "/")).is_dir() else each for each in modules()]
    asked = f"import sys, importlib; sys.modules |= {missing}; [*map(importlib.import_module, {starts})]"
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


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
            assert other not in ONCE
            assert "test" in SERVICES[other].get("healthcheck", {}) or SERVICES[other]["image"] == "shop"
        elif wait["condition"] == "service_started":
            assert other in REDIS_NODES  # asked again and again by who waits for them
        else:
            assert wait["condition"] == "service_completed_successfully"
            assert other in ONCE


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_container_mounts_is_there(name: str) -> None:
    for source in mounts(name).values():
        if source.startswith("./"):
            assert (ROOT / source).is_file()
        else:
            assert source in COMPOSE["volumes"]


def test_what_needs_the_profile_is_needed_by_nobody_without_it() -> None:
    absent = {name for name, each in SERVICES.items() if "profiles" in each}
    assert absent == {"cluster", "nats-2", "nats-3", "auditor", "operator", *OBSERVERS}
    for name in SERVICES.keys() - absent:
        waits = SERVICES[name].get("depends_on", {})
        assert all(waits[other]["required"] is False for other in waits.keys() & absent)


def test_nobody_of_the_shop_starts_before_its_tables_and_its_stream_are_there() -> None:
    for service in settings.SERVICES:
        needed = {"streams"} if service == "orchestrator" else {"streams", "migrations"}
        assert needed <= SERVICES[service]["depends_on"].keys()


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_bounded(name: str) -> None:
    each = SERVICES[name]
    assert {"mem_limit", "pids_limit", "logging", "security_opt"} <= each.keys()
    assert each["restart"] == ("no" if name in ONCE else "unless-stopped")
    assert each["security_opt"] == ["no-new-privileges:true"]
    assert not [source for source in mounts(name).values() if "docker.sock" in source]


def test_no_container_wants_more_files_than_its_engine_has() -> None:
    """Those that hold event streams raise their limit themselves (`common/files.py`, and Go's runtime)."""
    assert not [name for name, each in SERVICES.items() if "ulimits" in each]


def test_what_is_ours_is_read_only_and_has_no_rights() -> None:
    for each in SERVICES.values():
        if each["image"] == "shop":
            assert each["read_only"]
            assert each["cap_drop"] == ["ALL"]


def test_the_image_is_asked_for_its_health() -> None:
    [check] = re.findall(r"^HEALTHCHECK .*\\\n +CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert (ROOT / json.loads(check)[-1]).is_file()


def test_every_server_has_a_stand_in_for_where_no_registry_is_reached() -> None:
    servers = {each["image"]: name for name, each in SERVICES.items() if each["image"] != "shop"}
    assert {SERVICES[name]["image"] for name in OFFLINE} == set(servers) - {
        SERVICES[name]["image"] for name in NOWHERE_ELSE
    }
    stages = set(re.findall(r" AS ([\w-]+)$", (ROOT / "deploy/offline/Dockerfile").read_text(), re.MULTILINE))
    assert {each["build"]["target"] for each in OFFLINE.values() if "target" in each["build"]} <= stages


def test_no_file_needs_what_old_engines_or_lonely_ones_have_not() -> None:
    for file in [ROOT / "compose.yaml", *(ROOT / "deploy").glob("compose*.yaml"), *ROOT.rglob("*Dockerfile")]:
        text = file.read_text()
        assert not re.search(r"# *syntax=|pull_policy: *always|start_interval|--from=[^ ]*[/:]", text), file


def test_who_observes_is_told_of_every_service_every_alert_and_every_dashboard() -> None:
    told = yaml.safe_load((ROOT / "deploy/observe/prometheus.yaml").read_text())
    asked = {each["job_name"]: each["dns_sd_configs"][0]["names"] for each in told["scrape_configs"]}
    assert asked == {service: [service] for service in settings.SERVICES} | {"audit": ["auditor"]}
    assert {each["dns_sd_configs"][0]["port"] for each in told["scrape_configs"]} == {settings.PORT}
    assert told["rule_files"] == ["/etc/prometheus/rules.yaml"]
    assert mounts("prometheus")["/etc/prometheus/rules.yaml"] == "./deploy/observe/rules.yaml"
    shown = {source for source in mounts("grafana").values() if source.endswith(".json")}
    assert shown == {f"./{path.relative_to(ROOT)}" for path, _ in dashboards.files()}


def test_every_volume_is_used() -> None:
    assert {source for name in SERVICES for source in mounts(name).values()} >= COMPOSE["volumes"].keys()


def test_the_job_reaches_every_settings_volume_and_only_their_owners_read_them() -> None:
    written = {source for source in mounts("secrets").values() if source.endswith("-settings")}
    assert written == {volume for volume in COMPOSE["volumes"] if volume.endswith("-settings")}
    writers = {"secrets", "cluster"}
    assert mounts("secrets") == mounts("cluster")
    readers = {
        volume: {name for name in SERVICES.keys() - writers if volume in mounts(name).values()}
        for volume in written
    }
    assert readers.pop("postgres-settings") == {"postgres", "databases"}
    assert readers.pop("provisioner-settings") == {"provisioner", "streams"}
    assert readers.pop("nats-settings") == set(NATS_NODES)
    assert readers.pop("redis-settings") == {*REDIS_NODES, "redis-cluster"}
    assert readers == {volume: {volume.removesuffix("-settings")} for volume in readers}


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
    roots = {name for name, each in SERVICES.items() if str(each.get("user", "")).startswith("0")}
    assert roots == {"secrets", "cluster"}
    assert all(SERVICES[name]["network_mode"] == "none" for name in roots)


def test_only_the_edge_is_open_to_the_world() -> None:
    published = {name: each["ports"] for name, each in SERVICES.items() if "ports" in each}
    assert published.pop("traefik") == ["80:80", "127.0.0.1:8080:8080"]
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_every_node_tells_its_own_name_and_is_introduced_to_the_others() -> None:
    assert set(NATS_NODES) <= SERVICES.keys()
    for node in REDIS_NODES:
        assert SERVICES[node]["command"][-1] == node
    assert SERVICES["redis-cluster"]["command"] == list(REDIS_NODES)
