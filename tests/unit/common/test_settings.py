"""Environment over file over defaults; what is missing is named."""

from pathlib import Path

import msgspec
import pytest

from common.settings import Settings, load, read

FILE = 'service = "order"\nport = 1\nnats_url = "nats://file"\nbatch_size = 8\n'


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "order.toml"
    path.write_text(FILE)
    return str(path)


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(file: str) -> None:
    settings = read(Settings, {"SETTINGS_FILE": file, "NATS_URL": "nats://environment"})
    assert settings.nats_url == "nats://environment"
    assert settings.batch_size == 8
    assert settings.concurrency == 1


def test_a_secret_may_come_from_a_file_of_its_own(file: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("nats://secret\n")
    settings = read(Settings, {"SETTINGS_FILE": file, "NATS_URL_FILE": str(tmp_path / "secret")})
    assert settings.nats_url == "nats://secret"


class Listed(msgspec.Struct):
    names: tuple[str, ...]
    number: int = 0


def test_numbers_and_lists_are_read_from_text() -> None:
    assert read(Listed, {"NAMES": "a,b", "NUMBER": "7"}) == Listed(("a", "b"), 7)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"SERVICE": "x", "PORT": "1"}, "NATS_URL"),
        ({"SERVICE": "x", "PORT": "none", "NATS_URL": "y"}, "PORT"),
        ({"SETTINGS_FILE": "nowhere.toml"}, "nowhere.toml"),
    ],
)
def test_what_is_missing_or_malformed_is_named_in_one_line(
    environment: dict[str, str], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SERVICE", "PORT", "NATS_URL", "SETTINGS_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        load(Settings)
    assert named in str(stopped.value.code)
    assert "\n" not in str(stopped.value.code)


@pytest.mark.parametrize(
    "origins", ["*", "https://*.example.com", "shop.example.com", "https://a.example/x", "null"]
)
def test_no_origin_is_a_pattern(origins: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        read(Settings, {"SERVICE": "x", "PORT": "1", "NATS_URL": "", "CORS_ORIGINS": origins})
