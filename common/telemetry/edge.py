"""Where a trace enters the shop: whether it is recorded is decided here, once, for all that follows."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import SpanContext, SpanKind

from common.telemetry import context, spans
from common.telemetry.context import UNRECORDED, child, written

ASKED_PER_SECOND = 10.0
"""Traces that callers may have recorded by asking for it, in one process: anybody may ask, and all would."""


class Admission:
    """A caller's wish counts, a few times a second; else chance decides."""

    def __init__(self, ratio: float) -> None:
        self.ratio = ratio
        self._tokens = ASKED_PER_SECOND
        self._counted_at = time.monotonic()

    def admits(self, caller: SpanContext) -> bool:
        if not caller.is_valid:
            return self._by_chance()
        return caller.trace_flags.sampled and (self._is_left() or self._by_chance())

    def _by_chance(self) -> bool:
        return random.random() < self.ratio  # noqa: S311  # no secret

    def _is_left(self) -> bool:
        now = time.monotonic()
        gained = ASKED_PER_SECOND * (now - self._counted_at)
        self._tokens, self._counted_at = min(ASKED_PER_SECOND, self._tokens + gained), now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


_admission = Admission(0.0)


def admit(ratio: float) -> None:
    """From now on in this process: the share of traces that is recorded without anybody's wish."""
    global _admission  # noqa: PLW0603  # a process has one, from its start to its end
    _admission = Admission(ratio)


@contextmanager
def entered(
    header: str | None, name: str, attributes: spans.Attributes, purchase: str | None = None
) -> Iterator[spans.Span | None]:
    """Continues the caller's trace, or starts one, around what somebody outside asked for."""
    caller = context.read(header)
    if not spans.is_on():
        with context.within(_passed(caller), purchase):
            yield None
    elif _admission.admits(caller):
        of = written(caller) if caller.is_valid else None
        with spans.during(spans.Span(name, of, SpanKind.SERVER, attributes), purchase=purchase) as span:
            yield span
    else:
        with context.within(_passed(caller)[:-2] + UNRECORDED, purchase):
            yield None


@contextmanager
def asked(header: str | None, name: str, attributes: spans.Attributes) -> Iterator[None]:
    """Around what another service of the shop asked for: it has decided already."""
    with context.within(_passed(context.read(header))), spans.span(name, attributes, kind=SpanKind.SERVER):
        yield


def _passed(caller: SpanContext) -> str:
    """What is not recorded here has no span: what follows is the caller's child, or nobody's."""
    if caller.is_valid:
        return written(caller)
    return child(None, UNRECORDED)
