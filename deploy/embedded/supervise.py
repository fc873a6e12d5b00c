"""supervisord with seven manners of its own: it looks around five times a second, what keeps dying is tried
again for ever with pauses of at most five seconds, what lives and cannot work is started anew, everything may
open many files, and takes long turns at the processors, what is Python begins as a copy that has loaded the
libraries, and it can be tied to the process that started it.

Run as `python -m deploy.embedded.supervise -n -c FILE`; `SHOP_TIED` in its environment ties it.
"""

import os
import signal
import time
from collections.abc import Mapping, Sequence

from supervisor import poller  # type: ignore[import-untyped]
from supervisor.options import ProcessConfig, ServerOptions  # type: ignore[import-untyped]
from supervisor.process import Subprocess  # type: ignore[import-untyped]
from supervisor.states import ProcessStates  # type: ignore[import-untyped]
from supervisor.supervisord import Supervisor  # type: ignore[import-untyped]

from common.files import open_many
from deploy.embedded.nurse import MONITOR, Nurse
from deploy.embedded.preload import Original, become, load
from deploy.embedded.scheduling import take_turns

GLANCE = 0.2
LONGEST_PAUSE = float(os.environ.get("SHOP_LONGEST_PAUSE", "5"))
SETTLED = 10.0


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
    """Retries for ever: at once after the first death, then 0.5, 1, 2, 4, 5, 5 … seconds after the next.

    supervisord's own pause grows without end, and knows nothing between a second's life and a healthy one.
    """

    deaths = 0  # in a row, each after less than a settled life
    rested_at = 0.0

    def finish(self, pid: int, status: int) -> object:
        """Count a death and set the pause after it."""
        self.deaths = self.deaths + 1 if time.time() - self.laststart < SETTLED else 1
        self.rested_at = time.time() + pause(self.deaths)
        return super().finish(pid, status)

    def change_state(self, new_state: int, expected: bool = True) -> object:
        """A program that cannot even be started is paused too."""
        changed = super().change_state(new_state, expected)
        if new_state == ProcessStates.BACKOFF:
            self.delay = max(self.rested_at, time.time() + pause(self.backoff))
        return changed

    def transition(self) -> object:
        """Not before it has rested."""
        if self.state == ProcessStates.EXITED and time.time() < self.rested_at:
            return None
        return super().transition()


def pause(deaths: int) -> float:
    """Seconds until the next try."""
    return 0.0 if deaths < 2 else min(0.5 * 2 ** min(deaths - 2, 4), LONGEST_PAUSE)


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

    def __init__(self, original: Original) -> None:
        """Swap the poller, which opens nothing before its first use."""
        super().__init__()
        self.original = original
        self.poller = Watcher(self)

    def processes_from_section(
        self, parser: object, section: str, group_name: str, _: object = None
    ) -> object:
        """Every program of the file is a patient one."""
        return super().processes_from_section(parser, section, group_name, PatientConfig)

    def execve(self, filename: str, argv: Sequence[str], env: Mapping[str, str]) -> None:
        """In the child, which may be what is wanted already."""
        if self.original.suits(argv):
            become(argv, env, env["SUPERVISOR_PROCESS_NAME"])
        super().execve(filename, argv, env)


def monitored(supervisor: Supervisor) -> dict[int, int]:
    """Port of the monitor -> pid, of those that run and have one."""
    processes = [each for group in supervisor.process_groups.values() for each in group.processes.values()]
    ports = [(process.config.environment.get(MONITOR), process.pid) for process in processes]
    return {int(port): pid for port, pid in ports if port and pid}


def main() -> None:
    """As supervisord's own main, without the reload loop."""
    open_many()
    take_turns()
    options = Options(load())
    options.realize(None, doc=__doc__)
    supervisor = Supervisor(options)
    options.first, options.test = True, False
    Nurse(lambda: monitored(supervisor)).start()
    supervisor.main()


if __name__ == "__main__":
    main()
