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
from deploy.compose import __main__ as job
from deploy.compose import settings
from deploy.compose.buckets import BucketSettings
from deploy.compose.settings import NATS_NODES, REDIS_NODES
from deploy.docs.settings import KINDS


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
    for service in settings.SERVICES:
        mine = (volumes / service / "settings.toml").read_text()
        assert not [url for url in passwords.values() if url in mine]
        others = set(re.findall(r"postgresql://(\w+)_runtime:", mine)) - {service}
        assert others == set()


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


def test_who_looks_at_the_broker_has_not_the_password_of_the_shop(volumes: Path) -> None:
    shop, viewer = re.findall(r'password: "(\w+)"', (volumes / "nats/users.conf").read_text())
    seen = (volumes / "nui/shop.json").read_text()
    assert viewer in seen
    assert shop not in seen
