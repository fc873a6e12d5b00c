"""Starting in parallel: each program once its milestone has passed, each awaited on its own thread."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

from common.telemetry.logs import told
from deploy.embedded import redis, redis_cluster, s3
from deploy.embedded.control import Control
from deploy.embedded.errors import NotReady, StackError
from deploy.embedded.layout import ROOT, Layout
from deploy.embedded.plan import Plan
from deploy.embedded.program import Milestone, Program
from deploy.embedded.services import runs
from deploy.privileges.redis import CLUSTER

Report = Callable[[str, float], None]
"""Told what is done, and how many seconds after the beginning."""

TIMEOUT = 90.0
GLANCE = 0.02
LIVES = 3
TAIL = 15
MIGRATE = "common.postgres.migrate"


def silent(what: str, seconds: float) -> None:
    """Report to nobody."""


@dataclass
class Patience:
    """How long a program is waited for; one that dies again and again is not worth the whole time."""

    name: str
    control: Control
    deadline: float = field(default_factory=lambda: time.monotonic() + TIMEOUT)
    looked: float = 0.0
    asked: int = 0
    pids: set[int] = field(default_factory=set)

    def pause(self) -> float:
        """Ask servers soon, services less often: they need the processor that asking takes."""
        self.asked += 1
        return min(GLANCE * 1.2**self.asked, 0.2)

    def is_over(self) -> bool:
        """Look at supervisord only now and then: it has but one thread."""
        now = time.monotonic()
        if now - self.looked > 0.5:
            self.looked = now
            self.pids |= {self.control.find(self.name).pid} - {0}
        return now > self.deadline or len(self.pids) > LIVES


@dataclass
class Starting:
    """One start of one plan."""

    plan: Plan
    control: Control
    environment: Mapping[str, str]
    report: Report = silent
    began: float = field(default_factory=time.monotonic)
    abandoned: threading.Event = field(default_factory=threading.Event)

    def run(self, launch: Callable[[], None]) -> None:
        """Everything at once, in the order the milestones allow; the first failure ends it."""
        with ThreadPoolExecutor(max_workers=64) as pool:
            try:
                cluster = pool.submit(self.plan.postgres.create)
                launch()
                first = self.begin(pool, "start")
                data = pool.submit(self.data, pool, cluster)
                alone = [pool.submit(self.provision, pool), pool.submit(self.form), pool.submit(self.fill)]
                self.complete([*first, data, *alone])
                self.complete(self.begin(pool, "services"))
            finally:
                self.abandoned.set()
        if not self.plan.bare:
            self.await_running()

    def complete(self, waiting: list[Future[None]]) -> None:
        """Wait for all; an exception of any comes out here."""
        for future in as_completed(waiting):
            future.result()

    def begin(self, pool: ThreadPoolExecutor, milestone: Milestone) -> list[Future[None]]:
        """Start what waits for this milestone, and wait until each of it is ready."""
        due = [program for program in self.plan.programs if program.after == milestone]
        for program in due:
            if milestone != "start":
                self.control.start(program.name)
        return [pool.submit(self.await_ready, program) for program in due]

    def provision(self, pool: ThreadPoolExecutor) -> None:
        """The provisioner as soon as there is a broker to provision."""
        self.await_nodes("nats")
        self.complete(self.begin(pool, "nats"))

    def form(self) -> None:
        """Several Redis servers are strangers until they are introduced."""
        self.await_nodes("redis")
        if redis.is_cluster(self.plan.layout):
            redis_cluster.form(self.plan.layout, self.plan.passwords.at_redis(CLUSTER))
            self.report("redis cluster", self.elapsed)

    def fill(self) -> None:
        """The buckets, which the object store does not make by itself."""
        self.await_ready(next(each for each in self.plan.programs if each.name == "s3"), quietly=True)
        s3.make_buckets(self.plan.layout, self.plan.passwords)
        self.report("buckets", self.elapsed)

    def await_nodes(self, server: str) -> None:
        """Every server of a cluster; `begin` reports them."""
        for program in self.plan.programs:
            if program.name in self.plan.layout.nodes.names(server):
                self.await_ready(program, quietly=True)

    def data(self, pool: ThreadPoolExecutor, cluster: Future[None]) -> None:
        """Cluster, server, roles, migrations, then the services that own rows."""
        cluster.result()
        self.complete(self.begin(pool, "cluster"))
        self.plan.postgres.run(self.plan.roles_script)
        self.report("databases", self.elapsed)
        if not self.plan.bare:
            migrate(self.plan.layout, self.environment)
            self.report("migrations", self.elapsed)
        self.complete(self.begin(pool, "databases"))

    def await_ready(self, program: Program, *, quietly: bool = False) -> None:
        """Ask until it serves, or has taken too long, or keeps dying."""
        patience = Patience(program.name, self.control)
        while complaint := program.ready.complaint():
            if patience.is_over():
                raise NotReady(self.failure(program, complaint))
            if self.abandoned.wait(patience.pause()):
                raise NotReady(f"{program.name}: the start was given up")
        if not quietly:
            self.report(program.name, self.elapsed)

    def failure(self, program: Program, complaint: str) -> str:
        """Who, why, and what it wrote last."""
        state = self.control.find(program.name).state
        return f"{program.name} is not ready ({state}): {complaint}\n{tail(self.plan.layout, program.name)}"

    def await_running(self) -> None:
        """supervisord notices within a glance; a process that died after it was ready ends the start here."""
        deadline = time.monotonic() + TIMEOUT
        while waited := [each for each in self.control.processes().values() if each.state != "running"]:
            if time.monotonic() > deadline:
                raise NotReady(f"not running: {', '.join(f'{each.name} ({each.state})' for each in waited)}")
            time.sleep(GLANCE)

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.began


def migrate(layout: Layout, environment: Mapping[str, str]) -> None:
    """Bring every database to the newest schema, as its owner."""
    if not runs(MIGRATE):
        return
    settings = {"SETTINGS_FILE": str(layout.settings("migrate"))}
    command = [sys.executable, "-m", MIGRATE]
    run = subprocess.run(
        command, cwd=ROOT, env={**environment, **settings}, capture_output=True, text=True, check=False
    )
    if run.returncode != 0:
        raise StackError(f"migrations failed: {run.stderr.strip() or run.stdout.strip()}")


def tail(
    layout: Layout, process: str, lines: int = TAIL, indent: str = "  ", said: Callable[[str], str] = told
) -> str:
    """The end of a process's log; `said` is how a line reads."""
    try:
        with layout.log(process).open("rb") as log:
            log.seek(max(0, layout.log(process).stat().st_size - 1_000_000))
            text = log.read().decode("utf-8", "replace")
    except OSError:
        return f"{indent}(no log)"
    return "\n".join(f"{indent}{said(line)}" for line in text.splitlines()[-lines:]) or f"{indent}(empty log)"
