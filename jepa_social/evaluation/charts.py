"""Charts of the report as inline SVG: they take the page's colours, light or dark, through CSS classes."""

from collections.abc import Mapping
from html import escape

from jepa_social.evaluation.curves import Curve
from jepa_social.evaluation.labels import label, say
from jepa_social.evaluation.results import Scores
from jepa_social.evaluation.statistics import Interval

ROW = 24
LEFT, WIDTH, RIGHT = 154, 180, 56
POINTS = 300
"""Most points of a curve that are drawn."""


def interval_chart(scores: Scores, metric: str, ours: str) -> str:
    """One score: a row a policy, a dot for the mean and a bar for its interval, ours in the ego's colour."""
    rows = {policy: row[metric] for policy, row in scores.items() if metric in row and row[metric].n}
    low, high = _range(rows)
    height = ROW * len(rows) + 8

    def x(value: float) -> float:
        return LEFT + WIDTH * (value - low) / (high - low)

    marks = []
    for i, (policy, interval) in enumerate(rows.items()):
        y = ROW * i + ROW / 2 + 4
        kind = "ours" if policy == ours else "other"
        marks.append(
            f'<g class="{kind}"><text x="{LEFT - 10}" y="{y + 4}" text-anchor="end">{escape(policy)}</text>'
            f'<line class="rail" x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y}" y2="{y}"/>'
            f'<line class="bar" x1="{x(interval.low):.1f}" x2="{x(interval.high):.1f}" y1="{y}" y2="{y}"/>'
            f'<circle cx="{x(interval.mean):.1f}" cy="{y}" r="4.5"/>'
            f'<text x="{LEFT + WIDTH + 10}" y="{y + 4}">{say(interval.mean, metric)}</text></g>'
        )
    about = label(metric)
    hint = {1: "more is better", -1: "less is better", 0: ""}[about.better]
    unit = f" ({about.unit})" if about.unit else ""
    return (
        f'<figure class="chart"><figcaption>{escape(about.name)}{unit} <small>{hint}</small></figcaption>'
        f'<svg viewBox="0 0 {LEFT + WIDTH + RIGHT} {height}" role="img" aria-label="{escape(about.name)}">'
        f"{''.join(marks)}</svg></figure>"
    )


def line_chart(curve: Curve) -> str:
    """A training curve with its first and last step and its range."""
    every = max(1, len(curve.step) // POINTS)
    keep = [*range(0, len(curve.step) - 1, every), len(curve.step) - 1]
    low, high = min(curve.value), max(curve.value)
    first, last = curve.step[0], curve.step[-1]

    def place(i: int) -> tuple[float, float]:
        x = 8 + 244 * (curve.step[i] - first) / max(last - first, 1)
        return x, 96 - 84 * (curve.value[i] - low) / (high - low or 1.0)

    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, keep))
    x, y = place(keep[-1])
    return (
        f'<figure class="chart"><figcaption>{escape(curve.name)} <b>{curve.value[-1]:.4g}</b></figcaption>'
        f'<svg viewBox="0 0 260 118" role="img" aria-label="{escape(curve.name)}">'
        f'<line class="rail" x1="8" x2="252" y1="96" y2="96"/><polyline points="{path}"/>'
        f'<circle class="end" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
        f'<text x="8" y="112">step {first}</text><text x="252" y="112" text-anchor="end">{last}</text>'
        f'<text class="faint" x="8" y="10">{high:.3g}</text><text class="faint" x="8" y="92">{low:.3g}</text>'
        "</svg></figure>"
    )


def _range(rows: Mapping[str, Interval]) -> tuple[float, float]:
    low = min(interval.low for interval in rows.values())
    high = max(interval.high for interval in rows.values())
    if low >= 0 and low < 0.5 * high:
        low = 0.0
    return (low, high) if high > low else (low - 0.5, high + 0.5)
