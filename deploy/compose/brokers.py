"""What NATS reads beside its file: whether it is one of three, and who may do what."""

import json

from deploy.compose.settings import Addresses
from deploy.embedded.passwords import Passwords

USERS = """\
authorization {{
  users: [
    {{ user: "shop", password: "{shop}" }}
    {{
      user: "viewer", password: "{viewer}" # looks, and changes nothing
      permissions: {{
        publish: [{questions}]
        subscribe: ["_INBOX.>"]
      }}
    }}
  ]
}}
"""
QUESTIONS = (
    "$JS.API.INFO",
    "$JS.API.STREAM.NAMES",
    "$JS.API.STREAM.LIST",
    "$JS.API.STREAM.INFO.*",
    "$JS.API.STREAM.MSG.GET.*",
    "$JS.API.DIRECT.GET.>",
    "$JS.API.CONSUMER.NAMES.*",
    "$JS.API.CONSUMER.LIST.*",
    "$JS.API.CONSUMER.INFO.*.*",
)
CLUSTER = """\
cluster {{
  name: "shop"
  listen: "0.0.0.0:6222"
  authorization {{ user: "route", password: "{password}" }}
  routes: [{routes}]
}}
"""


def mode(at: Addresses) -> str:
    """A cluster cannot take over what a single server kept, so each has a folder of its own."""
    return f'store: "/data/{"one" if len(at.nats) == 1 else "three"}"\n'


def users(passwords: Passwords) -> str:
    """One for the shop, and one for people who look."""
    questions = ", ".join(f'"{subject}"' for subject in QUESTIONS)
    return USERS.format(shop=passwords.of("nats"), viewer=passwords.of("nats_viewer"), questions=questions)


def cluster(at: Addresses, passwords: Passwords) -> str:
    """Whom a server keeps the stream with; nothing when it is alone."""
    if len(at.nats) == 1:
        return ""
    password = passwords.of("nats")
    nodes = [server.partition(":")[0] for server in at.nats]
    routes = ", ".join(f'"nats://route:{password}@{node}:6222"' for node in nodes)
    return CLUSTER.format(password=password, routes=routes)


def context(at: Addresses, passwords: Passwords) -> str:
    """A connection as the `nats` command keeps it, which the page takes over."""
    servers = ",".join(f"nats://{server}" for server in at.nats)
    return json.dumps({"url": servers, "user": "viewer", "password": passwords.of("nats_viewer")}, indent=2)
