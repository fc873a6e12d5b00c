"""Where and how a figure came about: without this nobody can repeat it."""

import os
import platform
import shlex
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from common import __version__
from deploy.chaos.report import PACKAGES, commit
from deploy.client import Json
from deploy.embedded.record import Record
from deploy.embedded.stack import Stack

SYNCS = 20
PRIVATE = ("SHOP_HOME", "SHOP_STACK")
"""Where something lies says nothing about how fast it is."""


def told(stack: Stack) -> Json:
    return {
        "command": shlex.join(["./just", "bench", *sys.argv[1:]]),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine() | {"fsync_ms": fsync_ms(stack.home)},
        "versions": {"shop": __version__, "python": platform.python_version()}
        | {name: version(name) for name in PACKAGES},
        "settings": settings(stack),
    }


def machine() -> Json:
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 1024**3, 1),
    }


def cpu_model() -> str:
    """Only Linux tells it in a file; elsewhere what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown"


def fsync_ms(folder: Path) -> float:
    """The median of a few small writes to the disk that the databases are on."""
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(SYNCS):
            file.write(b"-" * 8192)
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return round(1000 * statistics.median(times), 2)


def settings(stack: Stack) -> Json:
    """What the stack was started with, and what of this environment is the stack's."""
    record = Record.load(stack.home)
    assert record is not None, "it runs"
    environment = {
        name: value
        for name, value in sorted(os.environ.items())
        if name.startswith("SHOP_") and name not in PRIVATE
    }
    return {
        "replicas": record.replicas,
        "nats_sync": record.nats_sync,
        "nats_nodes": record.nats_nodes,
        "redis_nodes": record.redis_nodes,
        "environment": environment,
    }
