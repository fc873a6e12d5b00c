"""How many files the processes of a stack may open."""

import resource
import subprocess
import sys

from common.files import MOST
from deploy.embedded.doctor import files

LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 1000))"
OPENED = f"{LIMITED}; from common.files import open_many; print(open_many())"
RAISED = f"{LIMITED}; resource.setrlimit(resource.RLIMIT_NOFILE, (2000, 2000))"


def asked(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_a_process_opens_as_many_as_it_may() -> None:
    """Beyond the hard limit only who has the right to raise it, as root often has."""
    may_raise = asked(RAISED).returncode == 0
    assert asked(OPENED).stdout == f"{MOST if may_raise else 1000}\n"


def test_a_limit_that_is_high_enough_stays() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    told = asked("from common.files import open_many; print(open_many())").stdout
    assert int(told) >= (MOST if hard == resource.RLIM_INFINITY else min(hard, MOST))


def test_the_doctor_says_how_many_streams_that_is_and_what_helps() -> None:
    assert files(MOST) == "65536 files may be open: 32518 event streams at the edge"
    assert files(4096).startswith("4096 files may be open: 1798 event streams at the edge; for 10000 raise")
