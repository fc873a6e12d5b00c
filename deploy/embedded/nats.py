"""The broker: JetStream in the home, one user, everything on loopback."""

from deploy.embedded.errors import Misconfigured
from deploy.embedded.executables import nats_server
from deploy.embedded.layout import Layout, write_private
from deploy.embedded.passwords import Passwords
from deploy.embedded.probes import Answers
from deploy.embedded.program import Program

USER = "shop"
CONFIGURATION = """\
server_name: "shop"
listen: "{listen}"
http: "{http}"
max_payload: 1MB
jetstream {{
  store_dir: "{store}"
  sync_interval: "{sync}"
  max_mem: 256MB
  max_file: 16GB   # a ceiling for all streams, nothing is reserved
}}
authorization {{ user: "{user}", password: "{password}" }}
"""


def configuration(layout: Layout, passwords: Passwords, sync: str) -> str:
    """The server's file. `sync` is how long an acknowledged message may wait for the disk, or "always"."""
    if not (sync == "always" or sync.removesuffix("ms").removesuffix("s").isdigit()):
        raise Misconfigured(f"SHOP_NATS_SYNC={sync} must be a time as in 1s or 200ms, or always")
    return CONFIGURATION.format(
        listen=layout.address("nats"),
        http=layout.address("nats_monitor"),
        store=layout.home / "nats",
        sync=sync,
        user=USER,
        password=passwords.of("nats"),
    )


def program(layout: Layout, passwords: Passwords, sync: str) -> Program:
    """Write the file and say how to run on it."""
    layout.private("nats")
    file = write_private(layout.private("settings") / "nats.conf", configuration(layout, passwords, sync))
    return Program(
        name="nats",
        command=(str(nats_server()), "-c", str(file)),
        group="servers",
        ready=Answers(layout.port("nats_monitor"), "/healthz?js-enabled-only=true"),
        port=layout.port("nats"),
    )


def url(layout: Layout, passwords: Passwords) -> str:
    """How a client reaches the broker."""
    return f"nats://{USER}:{passwords.of('nats')}@{layout.address('nats')}"
