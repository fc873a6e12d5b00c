from common import telemetry

HEADER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_callers_trace_goes_on_under_a_new_span() -> None:
    with telemetry.continued(HEADER) as current:
        assert telemetry.traceparent() == current
        assert telemetry.trace_id() == "4bf92f3577b34da6a3ce929d0e0e4736"
        assert current.split("-")[2] != HEADER.split("-")[2]
        assert current.endswith("-01")
    assert telemetry.traceparent() is None


def test_a_missing_or_malformed_header_starts_a_new_trace() -> None:
    seen = set()
    for header in (None, "", "nonsense", "00-0-0-00", HEADER.upper() + "x"):
        with telemetry.continued(header):
            seen.add(telemetry.trace_id())
    assert len(seen) == 5
    assert "4bf92f3577b34da6a3ce929d0e0e4736" not in seen
