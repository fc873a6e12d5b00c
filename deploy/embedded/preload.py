"""What all of the shop's programs load, loaded once: each begins as a copy of a process that has it already.

Eight services are eight interpreters, and most of what each has in memory is the same code of the same
libraries. A copy (fork) shares it with all others until it changes, and has not to load it: the technique of
Android's zygote and of servers that fork their workers after they have loaded the application.
"""

import gc
import os
import runpy
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import NoReturn

SHARED = (
    "common.main",
    "common.runtime",
    "common.redis",
    "common.cache.caching",
    "common.http.app",
    "common.http.auth",
    "common.messaging.provisioner",
)
"""What most programs use, with its libraries; what a single one uses it loads itself."""
OURS = ("common", "deploy")
COMM = Path("/proc/self/comm")
"""By which `top`, `ps -e` and `killall` know a process: its command line stays that of the supervisor."""


@dataclass(frozen=True)
class Original:
    """The process that copies are made of; what it has read of this repository, and of when that was."""

    read: Mapping[Path, int]

    def suits(self, command: Sequence[str]) -> bool:
        """Whether a copy would be what this command starts: a module, by the very Python that runs this, and
        not one line edited since.
        """
        is_python = len(command) > 2 and tuple(command[:2]) == (sys.executable, "-m")
        return is_possible() and is_python and all(written(file) == when for file, when in self.read.items())


def load() -> Original:
    """Call it before there are threads. What cannot be loaded, whoever needs it will say."""
    if is_possible():
        for module in SHARED:
            with suppress(Exception):
                import_module(module)
        gc.collect()
        gc.freeze()  # a collection writes to what it looks at, and what is written to is shared no more
    ours = [module for name, module in sys.modules.items() if name.partition(".")[0] in OURS]
    files = [Path(file) for module in ours if (file := getattr(module, "__file__", None))]
    return Original({file: written(file) for file in files})


def is_possible() -> bool:
    """Libraries of macOS do not survive a fork that no exec follows."""
    return sys.platform == "linux"


def written(file: Path) -> int:
    """When, in nanoseconds; 0 when it is not there."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def become(command: Sequence[str], environment: Mapping[str, str], name: str) -> NoReturn:
    """Be in a fresh copy what `exec` would have made of it, and end with it.

    The objects of the supervisor stay alive in the frames above, so none of them closes a file behind the
    back of the program, which has its numbers now.
    """
    forget_handlers()
    with suppress(OSError):  # a sandbox may not let it
        COMM.write_text(name)
    os.environ.clear()
    os.environ.update(environment)
    _, _, module, *arguments = command
    sys.argv = [module, *arguments]
    os._exit(run(module))


def forget_handlers() -> None:
    """No signal means what it meant to the supervisor."""
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def run(module: str) -> int:
    """Answers the exit code that Python would have ended with."""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:  # noqa: BLE001 - as the interpreter does with whatever reaches it
        traceback.print_exc()
        code = 1
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    return code
