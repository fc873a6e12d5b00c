"""The same for people: one HTML file by itself, with every scenario's faults over its throughput."""

from html import escape

from deploy.chaos.report import Report, percentile
from deploy.chaos.timeline import Fault
from deploy.chaos.verdict import Verdict

WIDTH, HEIGHT, LANE, LEFT = 1000, 120, 14, 40
MOST_LANES = 6
MOST_SHOWN = 50
"""Of the violations of one scenario; the report for programs has all of them."""
INSTANT = 0.4
"""Seconds that a fault without length is drawn with."""

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Chaos</title>
<meta name="viewport" content="width=device-width"><style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem; padding: 0 1rem;
  color: #1c2330; background: #fff }}
h2 {{ margin: 2.5rem 0 .2rem; font-size: 1.1rem }}  h2 small {{ font-weight: 400; color: #667 }}
table {{ border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }}
td, th {{ padding: .2rem .5rem; text-align: right; border-bottom: 1px solid #e4e7ee }}
td:first-child, th:first-child {{ text-align: left }}
svg {{ width: 100%; height: auto; margin-top: .4rem }}  svg text {{ font: 10px system-ui; fill: #556 }}
.bad {{ color: #b00020; white-space: pre-wrap }}  .good {{ color: #17703a }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem }}  dt {{ color: #667 }}
</style><h1>Shot at, and what was left of it</h1>
<p class="{mood}"><b>{sentence}</b></p>
<dl>{facts}</dl>
<table><tr><th>Scenario<th>Faults<th>Accepted<th>Completed<th>Lost<th>Twice<th>Oversold<th>Captures
<th>Mails (again)<th>Served again, most<th>Settled after<th>Violations</tr>{rows}</table>
{sections}</html>
"""


def page(report: Report) -> str:
    total = sum(each.accepted for each in report.verdicts)
    faults = sum(len(each.faults) for each in report.verdicts)
    bad = report.violations
    return PAGE.format(
        mood="bad" if bad else "good",
        sentence=f"{faults} faults, {total:,} purchases accepted, {bad or 'no'} violation{'s' * (bad != 1)}.",
        facts="".join(f"<dt>{escape(name)}<dd>{escape(value)}" for name, value in facts(report).items()),
        rows="".join(row(each) for each in report.verdicts),
        sections="".join(section(each) for each in report.verdicts if each.per_second),
    )


def facts(report: Report) -> dict[str, str]:
    return {
        "Command": report.command,
        "Seed, rate": f"{report.seed}, {report.rate:g} clicks per second",
        "Commit": report.commit,
        "When": f"{report.began_at:%Y-%m-%d %H:%M} to {report.ended_at:%H:%M} UTC",
        "Machine": report.machine,
        "Versions": ", ".join(f"{name} {number}" for name, number in report.versions.items()),
        "Settings": ", ".join(f"{name}={value}" for name, value in report.settings.items()),
    }


def row(verdict: Verdict) -> str:
    if "not run" in verdict.notes:
        return f"<tr><td>{verdict.scenario}<td colspan=11>not run: {escape(verdict.notes['not run'])}</tr>"
    cells = [
        *(len(verdict.faults), verdict.accepted, verdict.completed, verdict.lost, verdict.duplicated),
        *(verdict.oversold, verdict.captures, f"{verdict.mails} ({verdict.repeated_mails})"),
        f"{max(served(verdict), default=0.0):.1f} s",
        "never" if verdict.settled_after is None else f"{verdict.settled_after:.1f} s",
        len(verdict.violations),
    ]
    link = f'<a href="#{verdict.scenario}">{verdict.scenario}</a>'
    return f"<tr><td>{link}{''.join(f'<td>{cell}' for cell in cells)}</tr>"


def served(verdict: Verdict) -> list[float]:
    return [fault.served_after for fault in verdict.faults if fault.served_after is not None]


def section(verdict: Verdict) -> str:
    told = served(verdict)
    summary = ", ".join(
        [
            *(f"{kind} {count}" for kind, count in sorted(verdict.outcomes.items())),
            f"{verdict.events:,} events, {verdict.resumed_streams} streams resumed",
            f"served again: median {percentile(told, 0.5):.1f} s, p99 {percentile(told, 0.99):.1f} s",
            *(f"{name}: {value}" for name, value in verdict.notes.items()),
        ]
    )
    shown = verdict.violations[:MOST_SHOWN]
    if more := len(verdict.violations) - len(shown):
        shown = [*shown, f"and {more:,} more"]
    wrong = "".join(f'<div class="bad">{escape(each)}</div>' for each in shown)
    head = f'<h2 id="{verdict.scenario}">{verdict.scenario} <small>{escape(summary)}</small></h2>'
    return head + wrong + drawing(verdict)


def drawing(verdict: Verdict) -> str:
    """Bars: accepted (light) and decided (dark) in each second; above them the faults, in lanes."""
    seconds = len(verdict.per_second)
    scale = (WIDTH - LEFT) / max(seconds, 1)
    most = max((max(counts) for counts in verdict.per_second), default=1) or 1
    placed = lanes(verdict.faults)
    top = LANE * (1 + max((lane for _, lane in placed), default=-1)) + 4
    parts = [f'<svg viewBox="0 0 {WIDTH} {top + HEIGHT + 14}" role="img" aria-label="{verdict.scenario}">']
    for second, (accepted, decided, _) in enumerate(verdict.per_second):
        at = LEFT + second * scale
        for count, fill, share in ((accepted, "#b9cdf5", 1.0), (decided, "#2f5fc4", 0.5)):
            height = HEIGHT * count / most
            parts.append(
                f'<rect x="{at:.1f}" y="{top + HEIGHT - height:.1f}" width="{max(scale * share, 0.3):.2f}" '
                f'height="{height:.1f}" fill="{fill}"/>'
            )
    parts += [band(fault, lane, scale, top + HEIGHT) for fault, lane in placed]
    parts += [f'<text x="0" y="{top + 10}">{most}/s</text><text x="0" y="{top + HEIGHT}">0</text>']
    step = max(1, round(seconds / 10 / 5) * 5) if seconds > 20 else 5
    parts += [
        f'<text x="{LEFT + second * scale:.0f}" y="{top + HEIGHT + 12}">{second} s</text>'
        for second in range(0, seconds, step)
    ]
    return "".join(parts) + "</svg>"


def lanes(faults: list[Fault]) -> list[tuple[Fault, int]]:
    """Each in the first lane that is free; those that find none share the last."""
    free = [float("-inf")] * MOST_LANES
    placed = []
    for fault in sorted(faults, key=lambda each: each.began):
        lane = next((n for n, end in enumerate(free) if end <= fault.began), MOST_LANES - 1)
        free[lane] = max(fault.ended, fault.began + INSTANT)
        placed.append((fault, lane))
    return placed


def band(fault: Fault, lane: int, scale: float, bottom: float) -> str:
    """A lasting fault is a band down to the bars; one that is over at once is a line."""
    at, length = LEFT + fault.began * scale, max(fault.ended - fault.began, INSTANT) * scale
    recovered = "" if fault.served_after is None else f", served again after {fault.served_after} s"
    title = f"<title>{fault.began:.1f} s: {escape(fault.what)}{recovered}</title>"
    y = lane * LANE
    return (
        f'<g>{title}<rect x="{at:.1f}" y="{y}" width="{length:.2f}" height="{bottom - y:.1f}" '
        f'fill="#d6453d" opacity=".13"/><rect x="{at:.1f}" y="{y}" width="{max(length, 2):.2f}" '
        f'height="{LANE - 3}" fill="#d6453d" opacity=".75"/></g>'
    )
