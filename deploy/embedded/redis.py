"""Redis: wake-ups and filters. It is a hint, so it keeps nothing on disk."""

from pathlib import Path

from deploy.embedded.executables import redis_bloom, redis_server
from deploy.embedded.layout import Layout, write_private
from deploy.embedded.passwords import Passwords
from deploy.embedded.probes import Pings
from deploy.embedded.program import Program


def configuration(layout: Layout, passwords: Passwords, bloom: Path | None) -> str:
    """The server's file; without the module the filters are simply not there."""
    lines = [
        "bind 127.0.0.1",
        f"port {layout.port('redis')}",
        f"requirepass {passwords.of('redis')}",
        f'dir "{layout.home / "redis"}"',
        'save ""',
        "appendonly no",
        "set-proc-title no",  # a title would overwrite the mark by which orphans are found
        "client-output-buffer-limit pubsub 32mb 8mb 60",
        *([f'loadmodule "{bloom}"'] if bloom else []),
    ]
    return "\n".join(lines) + "\n"


def program(layout: Layout, passwords: Passwords) -> Program:
    """Write the file and say how to run on it."""
    layout.private("redis")
    text = configuration(layout, passwords, redis_bloom(layout))
    file = write_private(layout.private("settings") / "redis.conf", text)
    return Program(
        name="redis",
        command=(str(redis_server(layout)), str(file)),
        group="servers",
        ready=Pings(layout.port("redis"), passwords.of("redis")),
        port=layout.port("redis"),
    )


def url(layout: Layout, passwords: Passwords) -> str:
    """How a client reaches Redis."""
    return f"redis://:{passwords.of('redis')}@{layout.address('redis')}/0"
