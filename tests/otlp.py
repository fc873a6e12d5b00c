"""A collector that keeps what it is sent over HTTP: traces by OTLP, errors by Sentry's protocol."""

import gzip
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1 import trace_pb2


@dataclass(frozen=True)
class Span:
    """One span, as text to compare."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    links: tuple[str, ...]
    start: int
    end: int
    attributes: Mapping[str, str]
    is_error: bool

    @property
    def place(self) -> tuple[str, str]:
        return self.service, self.name

    def __str__(self) -> str:
        return f"{self.service} {self.name} {dict(self.attributes)}"


class Collector:
    """Listens until it is closed."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.reports: list[str] = []
        collector = self

        class Takes(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.take(self.path, body)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Takes)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def dsn(self) -> str:
        return self.endpoint.replace("://", "://public-key@") + "/1"

    def take(self, path: str, body: bytes) -> None:
        if path == "/v1/traces":
            self.spans += read(ExportTraceServiceRequest.FromString(body))
        elif path == "/api/1/envelope/":
            self.reports.append(body.decode())
        else:
            raise ValueError(path)

    def of(self, trace_id: str) -> list[Span]:
        return [span for span in list(self.spans) if span.trace_id == trace_id]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def read(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource in request.resource_spans:
        known = {each.key: each.value.string_value for each in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield spelled(known["service.name"], span)


def spelled(service: str, span: trace_pb2.Span) -> Span:
    return Span(
        service=service,
        name=span.name,
        kind=trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        links=tuple(link.span_id.hex() for link in span.links),
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        attributes={each.key: value(each.value) for each in span.attributes},
        is_error=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
    )


def value(known: object) -> str:
    kind = known.WhichOneof("value")  # type: ignore[attr-defined]  # protobuf's
    return str(getattr(known, kind)) if kind else ""


class Caller:
    """Somebody who asks that what follows from a request be recorded."""

    def __init__(self) -> None:
        self.trace_id, self.span_id = secrets.token_hex(16), secrets.token_hex(8)
        self.headers = {"traceparent": f"00-{self.trace_id}-{self.span_id}-01"}
