"""Ports and paths of a stack."""

from pathlib import Path

import pytest

from deploy.embedded.errors import Misconfigured
from deploy.embedded.layout import (
    CLUSTER_OFFSETS,
    OFFSETS,
    SERVICES,
    SPAN,
    Layout,
    most_replicas,
    write_private,
)
from deploy.embedded.nodes import Nodes


def test_no_two_processes_share_a_port_and_all_stay_within_a_hundred() -> None:
    layout = Layout(Path("/home/shop"), 8000)
    fixed = [layout.port(name) for name in (*OFFSETS, *CLUSTER_OFFSETS)]
    replicas = [layout.service_port(name, n + 1) for name in SERVICES for n in range(most_replicas(name))]
    assert len({*fixed, *replicas}) == len(fixed) + len(replicas)
    assert all(8000 <= port < 8000 + SPAN for port in fixed + replicas)


def test_a_stack_listens_on_the_ports_of_its_own_clusters_only() -> None:
    alone = Layout(Path("/home/shop"), 8000).fixed_ports
    assert alone.keys() == OFFSETS.keys()
    broker = Layout(Path("/home/shop"), 8000, Nodes(nats=3)).fixed_ports.keys() - alone.keys()
    assert {name.split("_")[0] for name in broker} == {"nats", "nats-2", "nats-3"}
    both = Layout(Path("/home/shop"), 8000, Nodes(nats=3, redis=6)).fixed_ports
    assert both.keys() == {*OFFSETS, *CLUSTER_OFFSETS}


@pytest.mark.parametrize(("setting", "given"), [("SHOP_NATS_NODES", "2"), ("SHOP_REDIS_NODES", "three")])
def test_a_number_of_nodes_that_helps_nobody_is_refused(
    setting: str, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(setting, given)
    with pytest.raises(Misconfigured, match=f"{setting}={given}"):
        Nodes.asked()


def test_the_addresses_are_the_agreed_ones() -> None:
    layout = Layout(Path("/home/shop"), 9000)
    assert (layout.port("edge"), layout.port("mail_api"), layout.port("nats_monitor")) == (9000, 9006, 9003)
    assert layout.service_port("account") == 9030
    assert layout.service_port("order", 2) == 9047
    assert layout.service_port("mail") == 9086


@pytest.mark.parametrize("base", [0, 80, 65500])
def test_a_base_without_room_is_refused(base: int) -> None:
    with pytest.raises(Misconfigured, match="SHOP_PORT_BASE"):
        Layout(Path("/home/shop"), base)


@pytest.mark.parametrize("home", ["/tmp/a;b", '/tmp/"x"', "/tmp/100%", "/tmp/a\nb"])
def test_a_home_that_no_configuration_file_can_carry_is_refused(home: str) -> None:
    with pytest.raises(Misconfigured, match="SHOP_HOME"):
        Layout(Path(home), 8000)


def test_private_files_are_readable_by_their_user_only(tmp_path: Path) -> None:
    file = write_private(tmp_path / "new" / "secret", "one")
    write_private(file, "two")
    assert file.read_text() == "two"
    assert file.stat().st_mode & 0o777 == 0o600
    assert Layout(tmp_path, 8000).private("run").stat().st_mode & 0o777 == 0o700
