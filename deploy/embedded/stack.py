"""The embedded stack as an object: the demo, the tests and the command line all go through here.

stack = Stack(home=tmp_path, port_base=21000)
stack.start(bare=True, tied=True)      # Postgres, NATS, Redis and the mail catcher, in about a second
stack.database_url("order")
stack.stop()
"""

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from deploy.embedded import leftovers, observing, pools, redis, supervisord
from deploy.embedded.addresses import Addresses
from deploy.embedded.alone import alone
from deploy.embedded.control import Control
from deploy.embedded.errors import AlreadyRunning, Misconfigured, NotReady, NotRunning
from deploy.embedded.layout import ROOT
from deploy.embedded.nodes import Nodes
from deploy.embedded.plan import Plan
from deploy.embedded.ports import require_free
from deploy.embedded.program import Program
from deploy.embedded.record import Record
from deploy.embedded.services import OWN_SETTINGS, replicas_of
from deploy.embedded.starting import Report, Starting, migrate, silent


@dataclass(frozen=True)
class Stack(Addresses):
    """All servers and services of one home. `environment` overrides settings, by upper-case name."""

    replicas: Mapping[str, int] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    nats_sync: str = "1s"
    observe: bool = False

    @classmethod
    def from_environment(cls) -> "Stack":
        """The stack the SHOP_* settings describe; a relative home is counted from the repository."""
        base = os.environ.get("SHOP_PORT_BASE") or "8000"
        if not base.isdigit():
            raise Misconfigured(f"SHOP_PORT_BASE={base} must be a number")
        return cls(
            home=(ROOT / (os.environ.get("SHOP_HOME") or ".local")).resolve(),
            port_base=int(base),
            replicas=replicas_of(os.environ.get("SHOP_REPLICAS", "")),
            nats_sync=os.environ.get("SHOP_NATS_SYNC") or "1s",
            nodes=Nodes.asked(),
        )

    # -- starting and stopping the whole

    def start(self, *, bare: bool = False, tied: bool = False, report: Report = silent) -> None:
        """Return when everything is ready; when something is not, stop the rest and say what.

        A tied stack stops when the calling process ends, however it ends.
        """
        with alone(self.layout):
            self._refuse_a_second(bare)
            leftovers.end_all(self.home)
            plan = self.plan(bare=bare)
            pools.require_room(self.replicas, self.service_environment, plan.postgres.most)
            require_free(plan.ports, self.port_base)
            redis.forget(self.layout)
            try:
                self._launch(plan, report, tied=tied)
            except BaseException:
                self._end()
                raise

    def stop(self) -> list[str]:
        """Stop every process of this home, also orphans; answer the names of those that ran."""
        with alone(self.layout):
            return self._end()

    def _refuse_a_second(self, bare: bool) -> None:
        if self.is_running:
            running = self._record()
            same = running.same_settings(self._as_record(self.plan(bare=bare), ""))
            raise AlreadyRunning(
                "the stack is running already" + ("" if same else ", with other settings"), same
            )

    def _launch(self, plan: Plan, report: Report, *, tied: bool) -> None:
        socket = supervisord.socket_path(self.layout)
        text = supervisord.configuration(self.layout, plan.programs, socket)
        control = Control(socket)
        self._as_record(plan, str(socket)).save(self.home)

        def launch() -> None:
            process = supervisord.launch(self.layout, text, self.service_environment, tied=tied)
            supervisord.await_answer(process, control, self.layout)

        Starting(plan, control, self.service_environment, report).run(launch)

    def _end(self) -> list[str]:
        ended = leftovers.end_all(self.home)
        record = Record.load(self.home)
        if record:
            Record.file(self.home).unlink(missing_ok=True)
            folder = Path(record.socket).parent
            if self.home not in folder.parents:
                shutil.rmtree(folder, ignore_errors=True)
        return ended

    # -- single processes

    def stop_process(self, name: str) -> None:
        """Stop one process and keep it stopped."""
        self.control.stop(name)

    def start_process(self, name: str, timeout: float = 30.0) -> None:
        """Start one process and wait until it is ready."""
        self.control.start(name)
        self.wait_ready(name, timeout)

    def restart(self, name: str, timeout: float = 30.0) -> None:
        """Stop it, start it, wait until it is ready."""
        self.stop_process(name)
        self.start_process(name, timeout)

    def wait_ready(self, name: str, timeout: float = 30.0) -> None:
        """Wait until a process is ready, for example after it was killed."""
        program, deadline = self.program(name), time.monotonic() + timeout
        while complaint := program.ready.complaint():
            if time.monotonic() > deadline:
                raise NotReady(f"{name} is not ready: {complaint}")
            time.sleep(0.03)

    def processes(self) -> dict[str, dict[str, object]]:
        """Pid, port and state of every process; empty when nothing runs."""
        record = Record.load(self.home)
        ports = record.ports if record else {}
        if self.is_running:
            known = [(each.name, each.pid or None, each.state) for each in self.control.processes().values()]
        else:
            orphans = leftovers.marked(self.home)
            known = [(each.name, each.process.pid, "orphaned") for each in orphans]
        return {
            name: {"pid": pid, "port": ports.get(name), "state": state} for name, pid, state in sorted(known)
        }

    def pid(self, name: str) -> int:
        """The serving process itself."""
        return self.control.find(name).pid

    def program(self, name: str) -> Program:
        """One program of the running stack."""
        return next(program for program in self.running.programs if program.name == name)

    def migrate(self) -> None:
        """Bring every database to the newest schema; `start` does this by itself."""
        migrate(self.layout, self.service_environment)

    # -- what it is

    @property
    def is_running(self) -> bool:
        """Whether its supervisord answers."""
        record = Record.load(self.home)
        return record is not None and Control(Path(record.socket)).answers()

    @property
    def control(self) -> Control:
        """Its supervisord."""
        return Control(Path(self._record().socket))

    def as_running(self) -> "Stack":
        """This stack with the settings it was started with, if it runs."""
        record = Record.load(self.home)
        if record is None:
            return self
        started = replace(self, port_base=record.port_base, replicas=record.replicas)
        nodes = Nodes(record.nats_nodes, record.redis_nodes)
        return replace(started, nats_sync=record.nats_sync, nodes=nodes, observe=record.observe)

    @cached_property
    def running(self) -> Plan:
        """What was started."""
        return self.as_running().plan(bare=self._record().bare)

    def plan(self, *, bare: bool = False) -> Plan:
        """What would be started now."""
        observe = self.observe and not bare
        return Plan(self.layout, self.passwords, self.replicas, self.nats_sync, bare, observe)

    @property
    def service_environment(self) -> dict[str, str]:
        """The caller's environment without what only the stack can know, and this stack's own additions."""
        ours = OWN_SETTINGS | {f"{name}_FILE" for name in OWN_SETTINGS}
        passed = {name: value for name, value in os.environ.items() if name not in ours}
        traces = observing.environment(self.layout) if self.observe else {}
        return traces | passed | {"PYTHONUNBUFFERED": "1"} | dict(self.environment)

    def _record(self) -> Record:
        record = Record.load(self.home)
        if record is None:
            raise NotRunning("the stack is not running; ./just up starts it")
        return record

    def _as_record(self, plan: Plan, socket: str) -> Record:
        ports = {program.name: program.port for program in plan.programs}
        nodes = (self.nodes.nats, self.nodes.redis)
        started = (self.port_base, dict(self.replicas), plan.bare, self.nats_sync, *nodes)
        return Record(*started, socket, ports, plan.observe)
