import pytest

from tests.integration import patience


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis may take its time, and is not away because of that."""
    patience.patient(monkeypatch)
