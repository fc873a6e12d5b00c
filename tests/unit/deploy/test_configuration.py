"""The files the servers are started with."""

import configparser
import re
from pathlib import Path

import pytest

from common.settings import Settings
from common.stopping import CLOSING_SECONDS
from deploy.embedded import nats, redis, roles, supervisord, traefik
from deploy.embedded.errors import Misconfigured
from deploy.embedded.layout import Layout
from deploy.embedded.nodes import Nodes
from deploy.embedded.passwords import Passwords
from deploy.embedded.postgres import STOP_SECONDS, Postgres
from deploy.embedded.probes import Lives
from deploy.embedded.program import Program

COMPOSE = Path(__file__).parents[3] / "compose.yaml"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path, 8000)


@pytest.fixture
def passwords(layout: Layout) -> Passwords:
    return Passwords.kept(layout)


def test_the_broker_listens_on_loopback_with_a_password_and_syncs_every_second(
    layout: Layout, passwords: Passwords
) -> None:
    text = nats.configuration(layout, passwords, "1s")
    assert 'listen: "127.0.0.1:8002"' in text
    assert 'http: "127.0.0.1:8003"' in text
    assert 'sync_interval: "1s"' in text
    assert passwords.at_nats("order") in text


def test_the_broker_can_be_told_to_sync_always_but_not_nonsense(layout: Layout, passwords: Passwords) -> None:
    assert 'sync_interval: "always"' in nats.configuration(layout, passwords, "always")
    with pytest.raises(Misconfigured, match="SHOP_NATS_SYNC"):
        nats.configuration(layout, passwords, "often")


def test_three_brokers_know_each_other_and_share_no_folder(tmp_path: Path) -> None:
    layout = Layout(tmp_path, 8000, Nodes(nats=3))
    passwords = Passwords.kept(layout)
    texts = [nats.configuration(layout, passwords, "1s", name) for name in layout.nodes.names("nats")]
    for text in texts:
        assert re.findall(r"@127.0.0.1:(\d+)\"", text) == ["8014", "8015", "8016"]
    for unique in (r'server_name: "(.*)"', r'listen: "(.*)"', r'store_dir: "(.*)"'):
        assert len({re.findall(unique, text)[0] for text in texts}) == 3
    assert [url.rsplit(":", 1)[1] for url in nats.url(layout, passwords, "order").split(",")] == [
        "8002",
        "8010",
        "8012",
    ]


def test_six_redis_servers_take_part_in_a_cluster_and_one_does_not(tmp_path: Path) -> None:
    layout = Layout(tmp_path, 8000, Nodes(redis=6))
    passwords = Passwords.kept(layout)
    texts = [redis.configuration(layout, passwords, None, name) for name in layout.nodes.names("redis")]
    assert all("cluster-enabled yes" in text for text in texts)
    for unique in (r"^port (.*)$", r"^cluster-port (.*)$", r"^dir (.*)$"):
        assert len({re.findall(unique, text, re.MULTILINE)[0] for text in texts}) == 6
    assert redis.url(layout, passwords, "purchase").count(",") == 5
    alone = Layout(tmp_path, 8000)
    assert "cluster-enabled" not in redis.configuration(alone, passwords, None)
    assert "," not in redis.url(alone, passwords, "purchase")


def test_redis_keeps_nothing_and_loads_the_module_where_there_is_one(
    layout: Layout, passwords: Passwords
) -> None:
    plain = redis.configuration(layout, passwords, None)
    assert 'save ""' in plain
    assert "appendonly no" in plain
    assert "loadmodule" not in plain
    assert 'loadmodule "/x/bloom.so"' in redis.configuration(layout, passwords, Path("/x/bloom.so"))


def admits(service: str, path: str) -> bool:
    """Read the edge's rule as Traefik does."""
    rule = traefik.rule(service)
    exact = re.findall(r"Path\(`([^`]*)`\)", rule)
    prefixes = re.findall(r"PathPrefix\(`([^`]*)`\)", rule)
    return path in exact or path.startswith(tuple(prefixes))


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("account", "/api/v1/account/login"),
        ("account", "/docs"),
        ("product", "/api/v1/products"),
        ("product", "/api/v1/categories/1"),
        ("order", "/api/v1/orders/1"),
        ("payment", "/api/v1/payments/methods"),
        ("purchase", "/api/v1/purchases/1/events"),
        ("purchase", "/api/v1/openapi/purchase.json"),
        ("purchase", "/"),
    ],
)
def test_the_edge_sends_a_path_to_its_service_only(service: str, path: str) -> None:
    assert [name for name in traefik.PREFIXES if admits(name, path)] == [service]


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/api/v1/ordersX", "/api/v1", "/docsX"])
def test_nobody_answers_other_paths(path: str) -> None:
    assert not [name for name in traefik.PREFIXES if admits(name, path)]


def test_every_replica_stands_behind_the_edge_and_absent_services_do_not() -> None:
    routes = traefik.routes({"order": ["127.0.0.1:8046", "127.0.0.1:8047"]})["http"]
    assert isinstance(routes, dict)
    assert list(routes["routers"]) == ["order"]
    servers = routes["services"]["order-ready"]["loadBalancer"]["servers"]
    assert [server["url"] for server in servers] == ["http://127.0.0.1:8046", "http://127.0.0.1:8047"]


def test_whoever_kills_a_process_waits_longer_than_its_stop_takes(tmp_path: Path) -> None:
    longest = Settings(service="-", port=1, nats_url="-").graceful_seconds + CLOSING_SECONDS
    section = supervisord.section(Layout(tmp_path, 8000), Program("order", ("-",), "services", Lives()))
    assert "stopwaitsecs=10\n" in section
    [grace] = re.findall(r"stop_grace_period: (\d+)s # GRACEFUL_SECONDS", COMPOSE.read_text())
    assert longest < 10 == int(grace)


def test_nobody_kills_postgres_in_its_last_checkpoint(layout: Layout, passwords: Passwords) -> None:
    section = supervisord.section(layout, Postgres(layout, passwords).program())
    assert f"stopwaitsecs={STOP_SECONDS}\n" in section
    [minutes] = re.findall(r"stop_signal: SIGINT\n    stop_grace_period: (\d+)m", COMPOSE.read_text())
    assert 60 * int(minutes) == STOP_SECONDS


def test_the_edge_looks_more_often_than_a_stopping_port_is_open() -> None:
    leaving = Settings(service="-", port=1, nats_url="-").leave_seconds
    assert traefik.LOOKS == {"interval": "1s", "unhealthyInterval": "500ms", "timeout": "1s"}
    assert leaving >= 2.0, "an interval, and as long an answer"


def test_the_roles_script_quotes_its_names_and_holds_no_password(passwords: Passwords) -> None:
    script = roles.script(["order"], passwords)
    assert 'ON DATABASE "order"' in script
    assert not any(secret in script for secret in passwords.known.values())


def test_supervisord_gets_commands_it_reads_back_unharmed(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "a folder", 8000)
    program = Program("redis", ("/bin/echo", "two words", "%m"), "servers", Lives(), stop_signal="INT")
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(supervisord.configuration(layout, [program], Path("/run/socket")))
    section = parser["program:redis"]
    assert section["command"] == "/bin/echo 'two words' %%m"
    assert (section["stopsignal"], section["autorestart"], section["autostart"]) == ("INT", "true", "true")
    assert parser["group:servers"]["programs"] == "redis"


def test_a_long_home_gets_a_short_socket(tmp_path: Path) -> None:
    short = supervisord.socket_path(Layout(tmp_path / ("x" * 120), 8000))
    assert len(str(short)) < 90
    short.parent.rmdir()
