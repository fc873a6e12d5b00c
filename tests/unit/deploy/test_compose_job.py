"""The files that the job of compose.yaml writes into the containers' volumes."""

import re
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest

from common.messaging.provisioner import ProvisionerSettings
from common.postgres.migrate import MigrateSettings
from common.settings import read
from deploy.audit.settings import AuditSettings
from deploy.compose import __main__ as job
from deploy.compose import settings
from deploy.compose.buckets import BucketSettings
from deploy.compose.settings import NATS_NODES, REDIS_NODES
from deploy.docs.settings import KINDS
from deploy.embedded.layout import WITH_DATABASE, Layout
from deploy.embedded.passwords import Passwords
from deploy.privileges.redis import SERVICES as WITH_REDIS


@pytest.fixture
def volumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "argv", ["deploy.compose", str(tmp_path)])
    job.main()
    return tmp_path


def test_the_job_writes_settings_that_everybody_accepts(volumes: Path) -> None:
    kinds: dict[str, type[msgspec.Struct]] = {
        **{service: KINDS[service] for service in settings.SERVICES},
        "provisioner": ProvisionerSettings,
        "migrations": MigrateSettings,
        "buckets": BucketSettings,
        "auditor": AuditSettings,
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


def test_every_password_is_read_by_its_owner_alone(volumes: Path) -> None:
    known = Passwords.kept(Layout(volumes / "secrets", 8000)).known
    readers = {
        name: {
            file.parent.name
            for file in volumes.rglob("*")
            if file.is_file() and file.parent.name != "secrets" and secret in file.read_text()
        }
        for name, secret in known.items()
    }
    for service in settings.SERVICES:
        assert readers.pop(f"nats_{service}") == {service, "nats"}
    for service in WITH_REDIS:  # the server knows a hash
        assert readers.pop(f"redis_{service}") == {service}
    for service in WITH_DATABASE:
        assert readers.pop(f"{service}_runtime") == {service}
        assert readers.pop(f"{service}_owner") == {"migrations"}
    assert readers == {
        "postgres": {"postgres"},
        "minio": {"minio", "buckets"},
        "s3_media": {"media", "buckets", "minio"},
        "nats_provisioner": {"provisioner", "nats"},
        "nats_operator": {"operator", "nats"},
        "nats_viewer": {"nui", "nats", "auditor"},
        "auditor": {"auditor"},  # the server knows a verifier
        "nats_route": set(),
        "nats_admin": set(),
        "redis_health": {"redis"},
        "redis_cluster": {"redis"},
        "redis_replica": {"redis"},
        "redis_admin": set(),
    }


def test_three_brokers_keep_the_stream_three_times_and_everybody_knows_all_of_them(
    volumes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (volumes / "nats/cluster.conf").read_text() == ""
    monkeypatch.setattr(sys, "argv", ["deploy.compose", str(volumes), "--cluster"])
    job.main()
    provisioner = tomllib.loads((volumes / "provisioner/settings.toml").read_text())
    assert provisioner["stream_replicas"] == 3
    for url in (
        provisioner["nats_url"],
        tomllib.loads((volumes / "order/settings.toml").read_text())["nats_url"],
    ):
        assert re.findall(r"@([\w-]+):4222", url) == list(NATS_NODES)
    routes = (volumes / "nats/cluster.conf").read_text()
    assert re.findall(r"@([\w-]+):6222", routes) == list(NATS_NODES)


def test_purchase_is_told_of_a_cluster(volumes: Path) -> None:
    known = tomllib.loads((volumes / "purchase/settings.toml").read_text())
    assert known["redis_cluster"] is True
    assert re.findall(r"@([\w-]+):6379", known["redis_url"]) == list(REDIS_NODES)
