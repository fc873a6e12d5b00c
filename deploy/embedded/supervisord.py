"""supervisord's file and its start."""

import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from deploy.embedded.control import Control
from deploy.embedded.errors import NotReady
from deploy.embedded.layout import ROOT, Layout, write_private
from deploy.embedded.program import Program

LONGEST_SOCKET = 90  # of 107: supervisord binds a longer name first
MARK = "SHOP_STACK"
"""In the environment of everything we start: the home it belongs to. No orphan can lose it."""
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "1048576"}
"""glibc's: what is large, as the 19 MB of a password's hash, goes back to the system when it is free. A copy
of the supervisor (`preload.py`) keeps to what the supervisor was started with."""

HEAD = """\
[supervisord]
logfile={logs}/supervisord.log
logfile_maxbytes=1MB
logfile_backups=1
pidfile={run}/supervisord.pid
childlogdir={logs}
identifier=shop
silent=true

[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

PROGRAM = """
[program:{name}]
command={command}
directory={root}
environment={environment}
autostart={autostart}
autorestart=true
startsecs=0
startretries=1000000000
stopsignal={stop_signal}
stopwaitsecs={stop_seconds}
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""

GROUP = """
[group:{name}]
programs={programs}
priority={priority}
"""
PRIORITIES = {"servers": 100, "services": 200}  # the highest stops first


def configuration(layout: Layout, programs: Iterable[Program], socket: Path) -> str:
    """The whole file."""
    known = list(programs)
    head = HEAD.format(logs=layout.home / "logs", run=layout.home / "run", socket=socket)
    groups = [
        GROUP.format(name=group, programs=",".join(each), priority=priority)
        for group, priority in PRIORITIES.items()
        if (each := [program.name for program in known if program.group == group])
    ]
    return head + "".join(section(layout, program) for program in known) + "".join(groups)


def section(layout: Layout, program: Program) -> str:
    """One program; supervisord itself starts those that wait for nothing."""
    return PROGRAM.format(
        name=program.name,
        command=shlex.join(program.command).replace("%", "%%"),
        root=str(ROOT).replace("%", "%%"),
        environment=",".join(f'{name}="{value}"' for name, value in program.environment.items()),
        autostart=str(program.after == "start").lower(),
        stop_signal=program.stop_signal,
        stop_seconds=program.stop_seconds,
        log=layout.log(program.name),
    )


def socket_path(layout: Layout) -> Path:
    """In the home, or when its name is too long for a socket in a fresh private folder."""
    path = layout.private("run") / "supervisor.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET:
        return path
    return Path(tempfile.mkdtemp(prefix="shop-", dir="/tmp")) / "supervisor.sock"


def launch(
    layout: Layout, file_text: str, environment: Mapping[str, str], *, tied: bool
) -> "subprocess.Popen[bytes]":
    """Start supervisord in a session of its own, so that a terminal's Ctrl-C reaches only us."""
    file = write_private(layout.private("settings") / "supervisord.conf", file_text)
    layout.private("logs")
    marked = {**environment, **ALLOCATOR, MARK: str(layout.home)} | ({"SHOP_TIED": "1"} if tied else {})
    with (layout.home / "logs" / "supervisord.out").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.embedded.supervise", "-n", "-c", str(file)],
            cwd=ROOT,
            env=marked,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    threading.Thread(target=process.wait, daemon=True).start()  # reaps it whenever it ends
    return process


def await_answer(process: "subprocess.Popen[bytes]", control: Control, layout: Layout) -> None:
    """Wait until supervisord takes orders."""
    deadline = time.monotonic() + 20
    while not (control.socket.exists() and control.answers()):
        if process.poll() is not None or time.monotonic() > deadline:
            said = (layout.home / "logs" / "supervisord.out").read_text(errors="replace").strip()
            raise NotReady(f"supervisord did not start: {said or 'no answer'}")
        time.sleep(0.02)
