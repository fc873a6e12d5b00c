"""supervisord with three manners of its own: it looks around five times a second, a program that keeps dying
is tried again for ever but at most every five seconds, and it can be tied to the process that started it.

Run as `python -m deploy.embedded.supervise -n -c FILE`; `SHOP_TIED` in its environment ties it.
"""

import os
import signal
import time

from supervisor import poller  # type: ignore[import-untyped]
from supervisor.options import ProcessConfig, ServerOptions  # type: ignore[import-untyped]
from supervisor.process import Subprocess  # type: ignore[import-untyped]
from supervisor.states import ProcessStates  # type: ignore[import-untyped]
from supervisor.supervisord import Supervisor  # type: ignore[import-untyped]

GLANCE = 0.2
LONGEST_BACKOFF = 5.0


class Watcher(poller.Poller):  # type: ignore[misc]
    """Waits for output and requests, but never as long as supervisord's fixed second."""

    def __init__(self, options: object) -> None:
        """Remember who started us, if our life is tied to theirs."""
        super().__init__(options)
        self.parent = os.getppid() if os.environ.pop("SHOP_TIED", "") else None

    def poll(self, timeout: float) -> object:
        """Stop in good order when the parent is gone, however it went."""
        if self.parent is not None and os.getppid() != self.parent:
            self.parent = None
            os.kill(os.getpid(), signal.SIGTERM)
        return super().poll(min(timeout, GLANCE))


class PatientProcess(Subprocess):  # type: ignore[misc]
    """Retries for ever: 0.5, 1, 2, 4, 5, 5 … seconds apart."""

    def change_state(self, new_state: int, expected: bool = True) -> object:
        """Bound the pause, which supervisord lets grow by a second each time."""
        changed = super().change_state(new_state, expected)
        if new_state == ProcessStates.BACKOFF:
            self.delay = time.time() + min(0.25 * 2 ** min(self.backoff, 5), LONGEST_BACKOFF)
        return changed


class PatientConfig(ProcessConfig):  # type: ignore[misc]
    """A program that is run by a PatientProcess."""

    def make_process(self, group: object = None) -> PatientProcess:
        """As in supervisord, but for the class."""
        self.create_autochildlogs()
        process = PatientProcess(self)
        process.group = group
        return process


class Options(ServerOptions):  # type: ignore[misc]
    """supervisord's options with the two classes above put in."""

    def __init__(self) -> None:
        """Swap the poller, which opens nothing before its first use."""
        super().__init__()
        self.poller = Watcher(self)

    def processes_from_section(
        self, parser: object, section: str, group_name: str, _: object = None
    ) -> object:
        """Every program of the file is a patient one."""
        return super().processes_from_section(parser, section, group_name, PatientConfig)


def main() -> None:
    """As supervisord's own main, without the reload loop."""
    options = Options()
    options.realize(None, doc=__doc__)
    supervisor = Supervisor(options)
    options.first, options.test = True, False
    supervisor.main()


if __name__ == "__main__":
    main()
