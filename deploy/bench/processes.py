"""What every process of a stack has used: seconds of a processor, and memory.

A process is counted with its children, also those that have ended: Postgres has one for each connection.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import psutil

from deploy.embedded.leftovers import SUPERVISOR
from deploy.embedded.stack import Stack

SAMPLE_SECONDS = 3.0
"""Between two looks at the memory: each reads the page tables of some eighty processes."""


@dataclass(frozen=True)
class Processes:
    """Those of one stack, by name; whoever is begun anew later is not among them."""

    roots: Mapping[str, psutil.Process]

    @classmethod
    def of(cls, stack: Stack) -> "Processes":
        pids = [(name, each["pid"]) for name, each in stack.processes().items()]
        roots = {name: psutil.Process(pid) for name, pid in pids if isinstance(pid, int)}
        supervisor = next(iter(roots.values())).parent()
        return cls(roots | ({SUPERVISOR: supervisor} if supervisor else {}))

    @property
    def ended(self) -> list[str]:
        return sorted(name for name, root in self.roots.items() if not root.is_running())

    def cpu_ms(self) -> dict[str, float]:
        """The supervisor's own: its children are in the list by themselves, those that ended as well."""
        return {
            name: 1000 * sum(spent(pid, with_ended=name != SUPERVISOR) for pid in pids)
            for name, pids in self._families().items()
        }

    def pss(self) -> dict[str, int]:
        """Proportional set sizes in bytes: what is shared is divided among those who share it."""
        return {name: sum(map(proportional, pids)) for name, pids in self._families().items()}

    def _families(self) -> dict[str, list[int]]:
        parents = {each.pid: each.info["ppid"] for each in psutil.process_iter(["ppid"])}
        return families(parents, {root.pid: name for name, root in self.roots.items()})


def families(parents: Mapping[int, int], roots: Mapping[int, str]) -> dict[str, list[int]]:
    """Name -> the root and its descendants; a root below another one is not the other's."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for pid in parents:
        ancestor = pid
        while ancestor not in roots and ancestor in parents:
            ancestor = parents[ancestor]
        if ancestor in roots:
            found[roots[ancestor]].append(pid)
    return dict(found)


def spent(pid: int, *, with_ended: bool = True) -> float:
    """Seconds, with those of its children that have ended and were waited for; 0 when it has ended itself."""
    try:
        used = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    ended = (used.children_user, used.children_system) if with_ended else ()
    return sum((used.user, used.system, *ended))


def proportional(pid: int) -> int:
    """Where there is no such size (macOS) what it has for itself; 0 when it has ended."""
    try:
        memory = psutil.Process(pid).memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(memory, "pss", 0) or memory.uss)


@dataclass
class Peaks:
    """The largest of what was seen, by process and together."""

    by_process: dict[str, int] = field(default_factory=dict)
    together: int = 0

    def note(self, sizes: Mapping[str, int]) -> None:
        for name, size in sizes.items():
            self.by_process[name] = max(size, self.by_process.get(name, 0))
        self.together = max(self.together, sum(sizes.values()))


@asynccontextmanager
async def watching(processes: Processes) -> AsyncIterator[Peaks]:
    """Looks at the memory every few seconds, and once more at the end."""
    peaks, over = Peaks(), asyncio.Event()

    async def look() -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(SAMPLE_SECONDS):
                    await over.wait()
            peaks.note(await asyncio.to_thread(processes.pss))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(look())
        yield peaks
        over.set()
