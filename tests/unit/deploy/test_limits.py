"""How many files the processes of a stack may open."""

import resource
import subprocess
import sys

ASKED = """
import resource
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
from deploy.embedded.supervise import open_many_files
open_many_files()
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def test_the_supervisor_raises_its_own_limit_for_everybody() -> None:
    told = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, check=True).stdout
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert int(told) == (65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536))
