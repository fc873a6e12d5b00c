"""`up --observe`: Prometheus with the alerts, and a viewer of traces, where the machine has them."""

import json
from collections.abc import Mapping

from deploy.embedded import executables
from deploy.embedded.layout import Layout, write_private
from deploy.embedded.probes import Answers
from deploy.embedded.program import Program
from deploy.observe.prometheus import configuration

KEPT = "2d"


def programs(layout: Layout, ports: Mapping[str, list[int]]) -> list[Program]:
    """What there is of both."""
    return [*_prometheus(layout, ports), *_viewer(layout)]


def environment(layout: Layout) -> dict[str, str]:
    """Where the services send their traces, all of them: to the viewer, if there is one."""
    if executables.otlp_viewer() is None:
        return {}
    return {"OTLP_ENDPOINT": f"http://{layout.address('otlp')}", "TRACE_RATIO": "1"}


def addresses(layout: Layout) -> list[tuple[str, str]]:
    """What one would open in a browser."""
    prometheus = [("prometheus", layout.port("prometheus"))] if executables.prometheus() else []
    viewer = [("traces", layout.port("otlp"))] if executables.otlp_viewer() else []
    return [(name, f"http://localhost:{port}") for name, port in (*prometheus, *viewer)]


def missing() -> str:
    """One line, empty when nothing is."""
    lacks = []
    if executables.prometheus() is None:
        lacks.append("Prometheus (Debian's package `prometheus`, or SHOP_PROMETHEUS_PATH)")
    if executables.otlp_viewer() is None:
        lacks.append("a viewer of traces (npm's autotel-devtools in SHOP_OTLP_VIEWER_PATH, Node 22)")
    return f"Not here, and not started: {'; '.join(lacks)}." if lacks else ""


def _prometheus(layout: Layout, ports: Mapping[str, list[int]]) -> list[Program]:
    found = executables.prometheus()
    if found is None:
        return []
    port = layout.port("prometheus")
    targets = {job: [f"127.0.0.1:{each}" for each in numbers] for job, numbers in ports.items()}
    told = configuration(targets | {"audit": [layout.address("audit")]})
    file = write_private(layout.private("settings") / "prometheus.yaml", json.dumps(told, indent=2))
    command = (
        str(found),
        f"--config.file={file}",
        f"--storage.tsdb.path={layout.private('prometheus')}",
        f"--storage.tsdb.retention.time={KEPT}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    )
    return [Program("prometheus", command, "servers", Answers(port, "/-/ready"), port)]


def _viewer(layout: Layout) -> list[Program]:
    found = executables.otlp_viewer()
    if found is None:
        return []
    node, program = found
    port, grpc = layout.port("otlp"), layout.port("otlp_grpc")
    command = (str(node), str(program), "-p", str(port), "--grpc-port", str(grpc), "-H", "127.0.0.1")
    return [Program("otlp", command, "servers", Answers(port, "/"), port)]
