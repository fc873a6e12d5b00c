"""Redis: wake-ups and filters; one server, or a cluster. It is a hint, so it keeps nothing on disk."""

import shutil
from pathlib import Path

from deploy.embedded.executables import redis_bloom, redis_server
from deploy.embedded.layout import Layout, write_private
from deploy.embedded.passwords import Passwords
from deploy.embedded.probes import Pings
from deploy.embedded.program import Program
from deploy.privileges.redis import ADMIN, EVERYTHING, HEALTH, lines, users

FOLDER = "redis"


def configuration(layout: Layout, passwords: Passwords, bloom: Path | None, name: str = "redis") -> str:
    """A server's file; without the module the filters are simply not there."""
    settings = [
        "bind 127.0.0.1",
        f"port {layout.port(name)}",
        *lines(users() | {ADMIN: EVERYTHING}, passwords.at_redis, has_module=bloom is not None),
        f'dir "{layout.private(FOLDER, name)}"',
        'save ""',
        "appendonly no",
        "set-proc-title no",  # a title would overwrite the mark by which orphans are found
        "client-output-buffer-limit pubsub 32mb 8mb 60",
        *([f'loadmodule "{bloom}"'] if bloom else []),
        *(cluster(layout, name) if is_cluster(layout) else []),
    ]
    return "\n".join(settings) + "\n"


def cluster(layout: Layout, name: str) -> list[str]:
    """What makes it a node; `redis_cluster.form` introduces it to the others."""
    return [
        "cluster-enabled yes",
        "cluster-node-timeout 2000",
        f"cluster-port {layout.port(f'{name}_bus')}",
        "cluster-require-full-coverage no",
        "repl-diskless-sync-delay 0",
        "shutdown-timeout 0",  # nothing here is worth waiting for a replica
    ]


def is_cluster(layout: Layout) -> bool:
    """Whether there are several."""
    return layout.nodes.redis > 1


def programs(layout: Layout, passwords: Passwords) -> list[Program]:
    """Write the files and say how to run on them."""
    return [program(layout, passwords, name) for name in layout.nodes.names("redis")]


def program(layout: Layout, passwords: Passwords, name: str) -> Program:
    """One server."""
    text = configuration(layout, passwords, redis_bloom(layout), name)
    file = write_private(layout.private("settings") / f"{name}.conf", text)
    return Program(
        name=name,
        command=(str(redis_server(layout)), str(file)),
        group="servers",
        ready=Pings(layout.port(name), HEALTH, passwords.at_redis(HEALTH)),
        port=layout.port(name),
    )


def forget(layout: Layout) -> None:
    """A cluster is formed anew at each start of the stack: its ports may be others now."""
    shutil.rmtree(layout.home / FOLDER, ignore_errors=True)


def url(layout: Layout, passwords: Passwords, user: str) -> str:
    """How this user reaches Redis: every server of it."""
    names = layout.nodes.names("redis")
    return ",".join(f"redis://{user}:{passwords.at_redis(user)}@{layout.address(name)}/0" for name in names)
