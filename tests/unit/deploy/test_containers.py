"""`--containers`: the containers of a test run are those of the compose files."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.compose import __main__ as job
from deploy.compose.settings import IN_CONTAINERS
from deploy.embedded.layout import OFFSETS, OPTIONAL, ROOT, Layout
from deploy.embedded.passwords import Passwords
from tests.containers import SERVERS, described, write

ROOMS = ("browser", "e2e", "integration", "stories")
SERVICES = [server.service for server in SERVERS.values()]


@pytest.fixture
def passwords(tmp_path: Path) -> Passwords:
    return Passwords.kept(Layout(tmp_path / "home", 8000))


def test_without_an_engine_it_ends_at_once_and_says_why() -> None:
    command = [sys.executable, "-m", "pytest", "tests/unit/deploy/test_containers.py", "--containers"]
    nowhere = os.environ | {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    ended = subprocess.run(command, cwd=ROOT, env=nowhere, capture_output=True, text=True, check=False)
    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    [line] = ended.stderr.strip().splitlines()
    assert line.startswith("ERROR: --containers: no container engine answers")
    assert "passed" not in ended.stdout


@pytest.mark.parametrize("service", SERVICES)
def test_every_folder_that_a_container_mounts_is_written(
    service: str, tmp_path: Path, passwords: Passwords
) -> None:
    write(tmp_path, passwords)
    sources = [volume.partition(":")[0] for volume in described(service).get("volumes", [])]
    settings = [source.removesuffix("-settings") for source in sources if source.endswith("-settings")]
    assert settings == ([] if service == "mailhog" else [service])
    assert all(any((tmp_path / folder).iterdir()) for folder in settings)
    assert all((ROOT / source).is_file() for source in sources if source.startswith("./"))


@pytest.mark.parametrize("file", ["nats/users.conf", "redis/users.conf"])
def test_everybody_has_the_rights_of_compose_and_one_more_has_all(
    file: str, tmp_path: Path, passwords: Passwords
) -> None:
    write(tmp_path, passwords)
    tested = set((tmp_path / file).read_text().splitlines())
    composed = set(job.files(IN_CONTAINERS, passwords)[file].splitlines())
    assert composed < tested
    [admin] = tested - composed
    assert "admin" in admin


def test_every_port_of_the_bare_stack_is_published_once() -> None:
    published = [name for server in SERVERS.values() for name in server.ports.values()]
    among_themselves = {name for name in OFFSETS if name.startswith("s3_")}
    assert sorted(published) == sorted(
        OFFSETS.keys() - {"edge", "psp", "traefik_api", *OPTIONAL} - among_themselves
    )


def test_whoever_needs_the_embedded_stack_says_so() -> None:
    """The others get their servers from the fixtures, so they run on containers too."""
    files = {file: file.read_text() for room in ROOMS for file in (ROOT / "tests" / room).rglob("test_*.py")}
    started = {file for file, text in files.items() if "\nfrom deploy.embedded.stack import" in text}
    marked = {file for file, text in files.items() if "pytestmark = pytest.mark.embedded" in text}
    assert started
    assert marked >= started
    assert not [file for file in marked if re.search(r"\bservers: Servers\b", files[file])]
