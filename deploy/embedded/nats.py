"""The broker: JetStream in the home, everything on loopback; one server, or three together."""

from pathlib import Path

from deploy.embedded.errors import Misconfigured
from deploy.embedded.executables import nats_server
from deploy.embedded.layout import SERVICES, Layout, write_private
from deploy.embedded.nurse import MONITOR
from deploy.embedded.passwords import Passwords
from deploy.embedded.probes import Answers
from deploy.embedded.program import Program
from deploy.privileges.nats import ADMIN, ROUTE, admin, authorization, users

CONFIGURATION = """\
server_name: "{name}"
listen: "{listen}"
http: "{http}"
max_payload: 1MB
jetstream {{
  store_dir: "{store}"
  sync_interval: "{sync}"
  max_mem: 256MB
  max_file: 16GB   # a ceiling for all streams, nothing is reserved
}}
"""
CLUSTER = """\
cluster {{
  name: "shop"
  listen: "{listen}"
  authorization {{ user: "{user}", password: "{password}" }}
  routes: [{routes}]
}}
"""


def configuration(layout: Layout, passwords: Passwords, sync: str, name: str = "nats") -> str:
    """A server's file. `sync` is how long an acknowledged message may wait for the disk, or "always"."""
    if not (sync == "always" or sync.removesuffix("ms").removesuffix("s").isdigit()):
        raise Misconfigured(f"SHOP_NATS_SYNC={sync} must be a time as in 1s or 200ms, or always")
    server = CONFIGURATION.format(
        name=name if is_cluster(layout) else "shop",
        listen=layout.address(name),
        http=layout.address(f"{name}_monitor"),
        store=store(layout, name),
        sync=sync,
    )
    server += authorization(users(SERVICES) | {ADMIN: admin()}, passwords.at_nats)
    return server + cluster(layout, passwords, name) if is_cluster(layout) else server


def cluster(layout: Layout, passwords: Passwords, name: str) -> str:
    """Whom it keeps the streams with; servers know each other by a user that is no client's."""
    password = passwords.at_nats(ROUTE)
    addresses = [layout.address(f"{node}_routes") for node in layout.nodes.names("nats")]
    routes = ", ".join(f'"nats://{ROUTE}:{password}@{address}"' for address in addresses)
    return CLUSTER.format(
        listen=layout.address(f"{name}_routes"), user=ROUTE, password=password, routes=routes
    )


def is_cluster(layout: Layout) -> bool:
    """Whether there are several."""
    return layout.nodes.nats > 1


def store(layout: Layout, name: str) -> Path:
    """A cluster cannot take over what a single server kept, so each has its own."""
    return layout.private("nats-cluster", name) if is_cluster(layout) else layout.private("nats")


def programs(layout: Layout, passwords: Passwords, sync: str) -> list[Program]:
    """Write the files and say how to run on them."""
    return [program(layout, passwords, sync, name) for name in layout.nodes.names("nats")]


def program(layout: Layout, passwords: Passwords, sync: str, name: str) -> Program:
    """One server; in a cluster it is ready when it follows whoever leads."""
    text = configuration(layout, passwords, sync, name)
    file = write_private(layout.private("settings") / f"{name}.conf", text)
    asked = "js-server-only" if is_cluster(layout) else "js-enabled-only"
    return Program(
        name=name,
        command=(str(nats_server()), "-c", str(file)),
        group="servers",
        ready=Answers(layout.port(f"{name}_monitor"), f"/healthz?{asked}=true"),
        port=layout.port(name),
        environment={"GOGC": "20", MONITOR: str(layout.port(f"{name}_monitor"))},
    )


def url(layout: Layout, passwords: Passwords, user: str) -> str:
    """How this user reaches the broker: every server of it."""
    names = layout.nodes.names("nats")
    return ",".join(f"nats://{user}:{passwords.at_nats(user)}@{layout.address(name)}" for name in names)
