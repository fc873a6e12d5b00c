"""What a running service calls itself is what was released."""

import tomllib
from pathlib import Path

from common import __version__


def test_the_version_is_the_distributions() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__
