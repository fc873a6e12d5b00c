"""The workflow of CI: the same commands as everybody's, and nothing that may change under it."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[3]
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]


def commands(job: str) -> list[str]:
    return [step["run"] for step in JOBS[job]["steps"] if "run" in step]


def test_the_first_job_runs_what_a_user_runs() -> None:
    own = re.findall(r"^(\./just .*?) \|\|", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    ours = [each for each in commands("check-and-test") if each.startswith("./just")]
    assert ours == own == ["./just check", "./just test", "./just chaos --quick"]


def test_every_compose_file_and_script_that_it_names_is_there() -> None:
    text = "\n".join(commands("containers"))
    for module in re.findall(r"python -m ([\w.]+)", text):
        assert ROOT.joinpath(*module.split(".")).with_suffix(".py").is_file()


@pytest.mark.parametrize("job", JOBS)
def test_an_action_is_named_by_its_commit(job: str) -> None:
    used = [step["uses"] for step in JOBS[job]["steps"] if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", each) for each in used)


def test_it_may_read_and_has_an_end() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert not [name for name, job in JOBS.items() if "permissions" in job]
    assert all(job["timeout-minutes"] <= 60 for job in JOBS.values())
