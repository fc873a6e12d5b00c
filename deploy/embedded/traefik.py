"""The edge: what of which service the world may call, and nothing else."""

import json
from collections.abc import Mapping
from pathlib import Path

from deploy.embedded.executables import traefik
from deploy.embedded.layout import Layout, write_private
from deploy.embedded.probes import Routes
from deploy.embedded.program import Program

Json = dict[str, object]

PREFIXES = {
    "account": ("/api/v1/account", "/docs"),
    "product": ("/api/v1/products", "/api/v1/categories"),
    "order": ("/api/v1/orders",),
    "payment": ("/api/v1/payments",),
    "purchase": ("/api/v1/purchases", "/static"),
    "media": ("/api/v1/media",),
}
ENCODED = ("allowEncodedSlash", "allowEncodedBackSlash", "allowEncodedNullCharacter")
"""Written out, these make a path mean something else to the edge than to the service."""
PAGES = {"purchase": ("/",)}
LOOKS = {"interval": "1s", "unhealthyInterval": "500ms", "timeout": "1s"}
"""More often than a service that stops keeps its port open (`LEAVE_SECONDS`)."""
HEAD_BYTES = 32_768
"""Of a request line and its headers; the services read no more either."""
READ_SECONDS = 900
"""For a whole request, with its body: a large upload over a slow line. The services give all other requests a
minute. Answers, such as event streams, may take for ever."""


def rule(service: str) -> str:
    """Whole path segments only: /api/v1/orders and /api/v1/orders/1, but not /api/v1/ordersX."""
    exact = (*PREFIXES[service], f"/api/v1/openapi/{service}.json", *PAGES.get(service, ()))
    paths = [f"Path(`{path}`)" for path in exact]
    return " || ".join([*paths, *(f"PathPrefix(`{prefix}/`)" for prefix in PREFIXES[service])])


def routes(replicas: Mapping[str, list[str]]) -> Json:
    """The dynamic file: a router per service, behind it all of its replicas (host:port) that are ready.

    Where none is, one that lives is asked: it serves what it still has, and refuses the rest as the API
    refuses. A request that met a closed port goes to the next replica; one that was sent is never sent again.
    """
    public = [service for service in PREFIXES if replicas.get(service)]
    services: Json = {}
    for name in public:
        services |= {
            name: {"failover": {"service": f"{name}-ready", "fallback": f"{name}-alive"}},
            f"{name}-ready": {"loadBalancer": balancer(replicas[name], "/readyz")},
            f"{name}-alive": {"loadBalancer": balancer(replicas[name], "/livez")},
        }
    return {
        "http": {
            "routers": {
                name: {"rule": rule(name), "service": name, "entryPoints": ["edge"], "middlewares": ["again"]}
                for name in public
            },
            "middlewares": {"again": {"retry": {"attempts": 3, "initialInterval": "20ms"}}},
            "services": services,
        }
    }


def balancer(replicas: list[str], asked: str) -> Json:
    """Answers go through as they are written (server-sent events), never collected."""
    return {
        "servers": [{"url": f"http://{replica}"} for replica in replicas],
        "healthCheck": {"path": asked, **LOOKS},
        "responseForwarding": {"flushInterval": "1ms"},
    }


def static(layout: Layout, dynamic: Path) -> Json:
    """The static file: the edge, and on a port of its own the dashboard and the ping."""
    open_ended = {
        "respondingTimeouts": {"readTimeout": f"{READ_SECONDS}s", "writeTimeout": 0, "idleTimeout": "180s"}
    }
    leaving = {"lifeCycle": {"graceTimeOut": "1s"}}
    plain = {"encodedCharacters": dict.fromkeys(ENCODED, False), "maxHeaderBytes": HEAD_BYTES}
    return {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "entryPoints": {
            "edge": {"address": layout.address("edge"), "http": plain, "transport": open_ended | leaving},
            "traefik": {"address": layout.address("traefik_api")},
        },
        "api": {"insecure": True, "dashboard": True},
        "ping": {"entryPoint": "traefik"},
        "providers": {"file": {"filename": str(dynamic), "watch": False}},
        "log": {"level": "WARN", "noColor": True},
    }


def program(layout: Layout, ports: Mapping[str, list[int]]) -> Program:
    """Write both files (JSON is YAML) and say how to run on them."""
    folder = layout.private("settings")
    replicas = {name: [f"127.0.0.1:{port}" for port in numbers] for name, numbers in ports.items()}
    dynamic = write_private(folder / "traefik-routes.yaml", json.dumps(routes(replicas), indent=2))
    file = write_private(folder / "traefik.yaml", json.dumps(static(layout, dynamic), indent=2))
    return Program(
        name="traefik",
        command=(str(traefik()), f"--configFile={file}"),
        group="services",
        ready=Routes(layout.port("traefik_api"), sum(len(ports.get(name, ())) for name in PREFIXES)),
        port=layout.port("edge"),
        environment={"GOGC": "25"},
        after="services",  # so that it never meets one that is not ready yet, and its word on them counts
    )
