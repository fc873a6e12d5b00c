"""What NATS reads beside its file: whether it is one of three, and who may do what."""

import json

from deploy.compose.settings import SERVICES, Addresses
from deploy.embedded.passwords import Passwords
from deploy.privileges import nats
from deploy.privileges.nats import ROUTE, VIEWER, authorization

CLUSTER = """\
cluster {{
  name: "shop"
  listen: "0.0.0.0:6222"
  authorization {{ user: "{user}", password: "{password}" }}
  routes: [{routes}]
}}
"""


def mode(at: Addresses) -> str:
    """A cluster cannot take over what a single server kept, so each has a folder of its own."""
    return f'store: "/data/{"one" if len(at.nats) == 1 else "three"}"\n'


def users(passwords: Passwords) -> str:
    """No container is everything's master here: what repairs the stream is the provisioner."""
    return authorization(nats.users(SERVICES), passwords.at_nats)


def cluster(at: Addresses, passwords: Passwords) -> str:
    """Whom a server keeps the stream with; nothing when it is alone."""
    if len(at.nats) == 1:
        return ""
    password = passwords.at_nats(ROUTE)
    nodes = [server.partition(":")[0] for server in at.nats]
    routes = ", ".join(f'"nats://{ROUTE}:{password}@{node}:6222"' for node in nodes)
    return CLUSTER.format(user=ROUTE, password=password, routes=routes)


def context(at: Addresses, passwords: Passwords) -> str:
    """A connection as the `nats` command keeps it, which the page takes over."""
    servers = ",".join(f"nats://{server}" for server in at.nats)
    return json.dumps({"url": servers, "user": VIEWER, "password": passwords.at_nats(VIEWER)}, indent=2)
