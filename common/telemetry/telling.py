"""From the start of a process on: its logs, its reports and its traces, as its settings want them."""

from collections.abc import Callable
from typing import Protocol

from common.telemetry.logs import Format, configure_logging
from common.telemetry.reports import report_errors
from common.telemetry.who import Who


class Wanted(Protocol):
    """What of the settings is about it."""

    @property
    def log_level(self) -> str: ...
    @property
    def log_format(self) -> Format: ...
    @property
    def error_dsn(self) -> str: ...
    @property
    def otlp_endpoint(self) -> str: ...
    @property
    def trace_ratio(self) -> float: ...


def tell(wanted: Wanted, who: Who) -> Callable[[], None]:
    """Returns what sends the last of it, at the end."""
    configure_logging(who.service, wanted.log_level, wanted.log_format)
    report_errors(wanted.error_dsn, who)
    if not wanted.otlp_endpoint:
        return lambda: None
    from common.telemetry import recording  # noqa: PLC0415  # some 25 MB of memory, for those who want it

    return recording.record(recording.Where(wanted.otlp_endpoint, wanted.trace_ratio), who)
