"""Which services run, and what their settings files say."""

import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.embedded import services
from deploy.embedded.errors import Misconfigured
from deploy.embedded.layout import Layout
from deploy.embedded.passwords import Passwords
from deploy.embedded.program import Program
from deploy.embedded.stack import Stack


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """Every service is taken to exist."""
    monkeypatch.setattr(services, "runs", lambda module: module != "media")
    return Layout(tmp_path, 8000)


def planned(layout: Layout, **replicas: int) -> dict[str, Program]:
    known = services.programs(layout, Passwords.kept(layout), replicas)
    return {program.name: program for program in known}


def settings(layout: Layout, process: str) -> dict[str, object]:
    return tomllib.loads(layout.settings(process).read_text())


def test_replicas_are_named_numbered_and_have_their_own_port_and_file(layout: Layout) -> None:
    programs = planned(layout, order=2)
    assert {name for name in programs if name.startswith("order")} == {"order", "order-2"}
    assert programs["order-2"].command[-2:] == ("-m", "order")
    assert programs["order-2"].environment["SETTINGS_FILE"].endswith("/order-2.toml")
    assert (settings(layout, "order")["port"], settings(layout, "order-2")["port"]) == (8046, 8047)
    assert settings(layout, "order-2")["service"] == "order"


def test_each_service_gets_the_runtime_role_of_its_own_database_and_nothing_of_the_owners(
    layout: Layout,
) -> None:
    planned(layout)
    passwords = Passwords.kept(layout)
    for service in ("account", "product", "order", "payment", "purchase", "mail"):
        url = urlsplit(str(settings(layout, service)["database_url"]))
        assert (url.username, url.path) == (f"{service}_runtime", f"/{service}")
        others = [secret for name, secret in passwords.known.items() if name.endswith("_owner")]
        assert not any(secret in layout.settings(service).read_text() for secret in others)


def test_the_orchestrator_has_no_database(layout: Layout) -> None:
    assert planned(layout)["orchestrator"].after == "start"
    assert "database_url" not in settings(layout, "orchestrator")


def test_only_those_who_need_it_know_the_key_the_provider_and_the_mail_server(layout: Layout) -> None:
    planned(layout)
    assert (
        Path(str(settings(layout, "account")["signing_key_file"]))
        .read_text()
        .startswith("-----BEGIN PRIVATE")
    )
    assert settings(layout, "payment")["psp_url"] == "http://127.0.0.1:8007"
    assert settings(layout, "mail")["smtp_port"] == 8005
    assert "signing_key_file" not in settings(layout, "order")


def test_secrets_are_made_once(layout: Layout) -> None:
    first = Passwords.kept(layout)
    assert Passwords.kept(layout) == first
    assert len(set(first.known.values())) == len(first.known)


def test_the_migration_file_names_owners(layout: Layout) -> None:
    services.write_migration_settings(layout, Passwords.kept(layout))
    known = settings(layout, "migrate")
    databases = known["databases"]
    assert isinstance(databases, dict)
    assert urlsplit(databases["order"]).username == "order_owner"
    assert "orchestrator" not in databases


@pytest.mark.parametrize("text", ["orders=2", "order", "order=0", "order=9", "order=x"])
def test_nonsense_in_shop_replicas_is_refused(text: str) -> None:
    with pytest.raises(Misconfigured, match="SHOP_REPLICAS"):
        services.replicas_of(text)


def test_shop_replicas_is_a_list_of_service_and_number() -> None:
    assert services.replicas_of("order=2, purchase=3,") == {"order": 2, "purchase": 3}


def test_a_stray_variable_does_not_send_every_service_to_one_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "5000")
    monkeypatch.setenv("DATABASE_URL_FILE", "/etc/elsewhere")
    monkeypatch.setenv("CURRENCIES", "VND,EUR")
    passed = Stack(tmp_path, environment={"PURCHASE_DEADLINE": "1"}).service_environment
    assert "PORT" not in passed
    assert "DATABASE_URL_FILE" not in passed
    assert (passed["CURRENCIES"], passed["PURCHASE_DEADLINE"]) == ("VND,EUR", "1")
