"""`report.html`: everything a run found, on one page that needs nothing else."""

import base64
import json
import shlex
import sys
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path

from jepa_social.evaluation.charts import interval_chart, line_chart
from jepa_social.evaluation.curves import read_curves
from jepa_social.evaluation.labels import is_baseline, label, ordered, say, verdict
from jepa_social.evaluation.results import Scores, read_differences, read_json, read_results
from jepa_social.evaluation.statistics import Interval
from jepa_social.files import with_draft
from jepa_social.runs import SETTINGS

MOST_BYTES = 5_000_000
CHARTS = (
    "success",
    "collision",
    "navigation_time",
    "spl",
    "minimum_distance",
    "personal_space",
    "ade",
    "fde",
    "ade_20",
    "joint_ade_20",
)
CURVES = 18
"""Most training curves shown of one log."""
_WORDS = {"better": "▲ better", "worse": "▼ worse", "no clear difference": "≈ no clear difference"}
Gaps = Mapping[str, Mapping[str, Interval]]


def write_report(run_dir: Path, ours: str = "jepa") -> Path:
    """Write `report.html` from what lies in `run_dir`; every part that has no file is left out.

    Args:
        run_dir: a run's folder, with `results.json`, `differences.json`, `animations.json` (see `results`), any
            `metrics.csv` of Lightning, `figures/*.png` and `config.yaml`.
        ours: the policy that is highlighted.

    Returns:
        The page's path. It is at most 5 MB: figures that would not fit are named, not shown.

    Raises:
        FileNotFoundError: there is neither a result nor a training log.
    """
    run_dir = Path(run_dir)
    results, differences, logs = read_results(run_dir), read_differences(run_dir), read_curves(run_dir)
    if not results and not logs:
        raise FileNotFoundError(f"{run_dir} holds neither results.json nor a metrics.csv: train or evaluate first")
    gaps = {suite: differences.get(suite, {}).get(ours, {}) for suite in results}
    parts = [_suite(suite, scores, gaps[suite], ours) for suite, scores in results.items()]
    shown = json.dumps(read_json(run_dir / "animations.json"), separators=(",", ":")).replace("</", "<\\/")
    curves = "".join(
        f"<h3>{escape(name)}</h3><div class='charts'>{''.join(map(line_chart, log[:CURVES]))}</div>"
        for name, log in logs.items()
    )
    config = run_dir / SETTINGS
    fields = {
        "TITLE": escape(run_dir.resolve().name),
        "HEADLINE": "".join(f"<p>{_headline(suite, results[suite], gaps[suite], ours)}</p>" for suite in results),
        "SUITES": "".join(parts),
        "CURVES": f"<section><h2>Training</h2>{curves}</section>" if curves else "",
        "COMMAND": escape(shlex.join(["python", Path(sys.argv[0]).name, *sys.argv[1:]])),
        "CONFIG": f"<details><summary>config</summary><pre>{escape(config.read_text())}</pre></details>"
        if config.is_file()
        else "",
        "OURS": escape(json.dumps(ours)),
        "PLAYER": (files("jepa_social.evaluation") / "report_player.js").read_text(),
        "ANIMATIONS": shown,
    }
    page = (files("jepa_social.evaluation") / "report_template.html").read_text()
    room = MOST_BYTES - len(page) - sum(len(text.encode()) for text in fields.values())
    fields["FIGURES"] = _figures(run_dir / "figures", room)
    for name, text in fields.items():
        page = page.replace(f"[[{name}]]", text)
    path = run_dir / "report.html"
    with_draft(path, lambda draft: draft.write_text(page))
    return path


def best_baseline(scores: Scores, ours: str) -> str | None:
    """The strongest baseline (see `is_baseline`): by SPL, else success, else ADE; None if there is none."""
    others = [policy for policy in scores if is_baseline(policy, ours)]
    for metric in ("spl", "success", "ade"):
        rated = [policy for policy in others if metric in scores[policy]]
        if rated:
            return max(rated, key=lambda policy: label(metric).better * scores[policy][metric].mean)
    return None


def _headline(suite: str, scores: Scores, gaps: Gaps, ours: str) -> str:
    """A sentence on the suite's first score, and on collisions if they are counted."""
    if ours not in scores:
        return f"<b>{escape(suite)}</b>: {len(scores)} policies, {escape(ours)} not among them."
    row = scores[ours]
    metric = next(name for name in ("success", "ade", *row) if name in row)
    text = f"<b>{escape(suite)}</b>: {escape(ours)} has {_value(row[metric], metric)} {label(metric).name}"
    if metric == "success" and "collision" in row:
        text += f" and {_value(row['collision'], 'collision')} collision"
    text += f" (n = {row[metric].n})"
    baseline = best_baseline(scores, ours)
    gap = gaps.get(metric, {}).get(baseline or "")
    if baseline is None or gap is None:
        return text + "."
    word = verdict(gap, metric)
    return (
        f"{text}: <span class='{word.split()[0]}'>{_WORDS.get(word, word)}</span> "
        f"{'from' if word.startswith('no') else 'than'} the best baseline {escape(baseline)}, {_gap(gap, metric)}."
    )


def _suite(suite: str, scores: Scores, gaps: Gaps, ours: str) -> str:
    metrics = ordered({name for row in scores.values() for name, interval in row.items() if interval.n})
    baseline = best_baseline(scores, ours)
    head = "".join(f"<th>{escape(label(m).name)}<small>{_hint(m)}</small></th>" for m in metrics)
    body = ""
    for policy, row in scores.items():
        cells = "".join(f"<td>{_cell(row.get(m), m)}</td>" for m in metrics)
        body += f"<tr class='{'ours' if policy == ours else ''}'><th scope='row'>{escape(policy)}</th>{cells}</tr>"
    if ours in scores and baseline is not None and gaps:
        cells = "".join(f"<td>{_judged(gaps.get(m, {}).get(baseline), m)}</td>" for m in metrics)
        body += f"<tr class='gap'><th scope='row'>{escape(ours)} − {escape(baseline)}</th>{cells}</tr>"
    charts = "".join(interval_chart(scores, m, ours) for m in metrics if m in CHARTS)
    count = max((interval.n for row in scores.values() for interval in row.values()), default=0)
    return (
        f"<section><h2>{escape(suite)} <small>{count} episodes or agents a policy</small></h2>"
        f"<div class='charts'>{charts}</div><div class='player' data-suite='{escape(suite, quote=True)}'></div>"
        f"<details open><summary>All scores</summary><div class='scroll'><table><thead><tr><th>policy</th>{head}</tr>"
        f"</thead><tbody>{body}</tbody></table></div></details></section>"
    )


def _figures(folder: Path, room: int) -> str:
    shown, left_out = [], []
    for path in sorted(folder.glob("*.png")):
        data = base64.b64encode(path.read_bytes()).decode()
        name = escape(path.stem.replace("_", " "))
        if len(data) + 200 > room:
            left_out.append(escape(path.name))
            continue
        room -= len(data) + 200
        shown.append(
            f"<figure class='picture'><img alt='{name}' src='data:image/png;base64,{data}'/>"
            f"<figcaption>{name}</figcaption></figure>"
        )
    if left_out:
        shown.append(f"<p>Too large for this page: {', '.join(left_out)}.</p>")
    return f"<section><h2>Pictures</h2>{''.join(shown)}</section>" if shown else ""


def _hint(metric: str) -> str:
    unit = label(metric).unit
    return " ".join(filter(None, (unit, {1: "↑", -1: "↓", 0: ""}[label(metric).better])))


def _value(interval: Interval, metric: str) -> str:
    unit = f" {label(metric).unit}" if label(metric).unit else ""
    return f"<b>{say(interval.mean, metric)}{unit}</b> [{say(interval.low, metric)}, {say(interval.high, metric)}]"


def _gap(gap: Interval, metric: str) -> str:
    unit = {"%": " points", "": ""}.get(label(metric).unit, f" {label(metric).unit}")
    ends = f"[{say(gap.low, metric, True)}, {say(gap.high, metric, True)}]"
    return f"by {say(gap.mean, metric, True)}{unit} {ends} on the same seeds"


def _cell(interval: Interval | None, metric: str) -> str:
    if interval is None or not interval.n:
        return "–"
    return f"{say(interval.mean, metric)}<small>{say(interval.low, metric)} … {say(interval.high, metric)}</small>"


def _judged(gap: Interval | None, metric: str) -> str:
    if gap is None or not gap.n:
        return "–"
    word = verdict(gap, metric)
    ends = f"{say(gap.low, metric, True)} … {say(gap.high, metric, True)}"
    return (
        f"{say(gap.mean, metric, True)}<small>{ends}</small><span class='{word.split()[0]}'>"
        f"{_WORDS.get(word, word)}</span>"
    )
