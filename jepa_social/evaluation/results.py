"""What an evaluation leaves behind, and how it is merged, suite by suite, into a run folder.

- `episodes.parquet`: a row an episode and policy: suite, policy, scenario, seed and every score.
- `results.json`: `{suite: {policy: {metric: {mean, low, high, n}}}}`, 95 % bootstrap intervals.
- `differences.json`: `{suite: {ours: {metric: {baseline: {mean, low, high, n}}}}}`, ours minus the baseline, paired
  over the (scenario, seed) that both ran.
- `log_<suite>.parquet`: every episode as a log (see `episode_log`).
- `animations.json`: a few episodes to look at (see `animations`).

The JSON files follow from the table, so a policy can be added or run again without the others. Scores that are no
episodes (forecasts) enter by `merge_scores`. JSON has no NaN: null stands for it. Suites may run side by side: whoever
merges holds `results.lock`.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jepa_social.evaluation.animations import animations
from jepa_social.evaluation.episode_log import log_episodes
from jepa_social.evaluation.episodes import Episodes
from jepa_social.evaluation.labels import label, ordered, say
from jepa_social.evaluation.navigation import navigation
from jepa_social.evaluation.statistics import Interval, bootstrap_mean, paired_difference
from jepa_social.files import with_draft

Scores = dict[str, dict[str, Interval]]
"""Policy to metric to interval: one suite of `results.json`."""
KEYS = ("suite", "policy", "scenario", "seed")


def record_suite(
    run_dir: Path,
    suite: str,
    episodes: Sequence[Episodes],
    ours: str = "jepa",
    extra: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
) -> Scores:
    """Score episodes and merge them into the files of `run_dir`; rows of the same suite and policy are replaced.

    Args:
        run_dir: the run's folder; made if need be.
        suite: name of the suite.
        episodes: one `Episodes` a policy, all on the same seeds if they are to be compared.
        ours: name of the policy that others are compared with.
        extra: further scores an episode, policy to name to `[E]`, such as the `disturbance` of people.

    Returns:
        The suite's intervals.
    """
    rows = [_rows(suite, one, (extra or {}).get(one.policy, {})) for one in episodes]
    path = run_dir / "episodes.parquet"
    with merging(run_dir):
        if path.is_file():
            fresh = {one.policy for one in episodes}
            old = pq.read_table(path).to_pylist()
            rows.insert(0, [row for row in old if row["suite"] != suite or row["policy"] not in fresh])
        merged = [row for part in rows for row in part]
        names = [*KEYS, *ordered({name for row in merged for name in row} - set(KEYS))]
        table = pa.table({name: [row.get(name, math.nan) for row in merged] for name in names})
        with_draft(path, lambda draft: pq.write_table(table, draft, compression="zstd"))
        scores, differences = _summary([row for row in merged if row["suite"] == suite], ours)
        merge_scores(run_dir, suite, scores, differences)
        log_episodes(run_dir, suite, episodes)
        shown = read_json(run_dir / "animations.json")
        write_json(run_dir / "animations.json", shown | {suite: animations(episodes, ours)})
    return scores


def merging(run_dir: Path) -> FileLock:
    """A lock to hold while files of results are read, added to and written; the folder is made if need be."""
    run_dir.mkdir(parents=True, exist_ok=True)
    return FileLock(run_dir / "results.lock", is_singleton=True)  # who holds it may enter again


def merge_scores(run_dir: Path, suite: str, scores: Scores, differences: Mapping[str, Scores] | None = None) -> None:
    """Merge one suite's intervals, policy by policy, into `results.json` and `differences.json`.

    Args:
        run_dir: the run's folder.
        suite: name of the suite.
        scores: policy to metric to interval.
        differences: ours to metric to baseline to interval of ours minus baseline.
    """
    with merging(run_dir):
        for name, news in (("results.json", scores), ("differences.json", differences or {})):
            known = read_json(run_dir / name)
            known[suite] = known.get(suite, {}) | _plain(news)
            write_json(run_dir / name, known)


def read_results(run_dir: Path) -> dict[str, Scores]:
    """Suite to policy to metric to interval; empty without the file."""
    return {
        suite: {policy: {m: _interval(v) for m, v in metrics.items()} for policy, metrics in policies.items()}
        for suite, policies in read_json(run_dir / "results.json").items()
    }


def read_differences(run_dir: Path) -> dict[str, dict[str, dict[str, dict[str, Interval]]]]:
    """Suite to ours to metric to baseline to interval of ours minus baseline; empty without the file."""
    return {
        suite: {
            ours: {m: {b: _interval(v) for b, v in them.items()} for m, them in metrics.items()}
            for ours, metrics in policies.items()
        }
        for suite, policies in read_json(run_dir / "differences.json").items()
    }


def print_table(
    results: Mapping[str, Scores],
    suite: str,
    ours: str = "jepa",
    metrics: Sequence[str] = (),
    console: Any = None,
    part: str = "",
) -> None:
    """Print one suite with intervals, our row highlighted.

    Args:
        results: what `read_results` gives.
        suite: which one.
        ours: the highlighted policy.
        metrics: columns, with the policies that have any of them; all that any policy has, by default.
        console: a `rich.console.Console`; the terminal by default.
        part: what these columns are of, if they are not the whole suite.

    Raises:
        KeyError: no such suite.
    """
    if suite not in results:
        raise KeyError(f"no suite `{suite}` in the results: there are {sorted(results)}")
    scores = {name: row for name, row in results[suite].items() if not metrics or set(metrics) & set(row)}
    known = {name for row in scores.values() for name, interval in row.items() if interval.n}
    shown = [row[name] for row in scores.values() for name in metrics or row if name in row]
    count = max((interval.n for interval in shown), default=0)
    title = f"{suite}{part and f', {part}'}: mean over n = {count}, with its 95 % bootstrap interval"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("policy", no_wrap=True)
    columns = [name for name in metrics if name in known] or ordered(known)
    for name in columns:
        arrow = {1: " ↑", -1: " ↓", 0: ""}[label(name).better]
        unit = f" {label(name).unit}" if label(name).unit else ""
        table.add_column(f"{label(name).name}{arrow}{unit}", justify="right")
    for policy, row in scores.items():
        cells = [_cell(row.get(name), name) for name in columns]
        style = "bold green" if policy == ours else ""
        table.add_row(("▶ " if policy == ours else "  ") + policy, *cells, style=style)
    (console or Console()).print(table)


def read_json(path: Path) -> dict[str, Any]:
    """The file's object; empty if there is none."""
    return json.loads(path.read_text()) if path.is_file() else {}


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write atomically."""
    with_draft(path, lambda draft: draft.write_text(json.dumps(value, allow_nan=False, separators=(",", ":"))))


def _rows(suite: str, episodes: Episodes, extra: Mapping[str, Sequence[float]]) -> list[dict[str, Any]]:
    columns: dict[str, list] = {name: value.tolist() for name, value in navigation(episodes).columns().items()}
    columns |= {name: [float(v) for v in value] for name, value in extra.items()}
    return [
        {"suite": suite, "policy": episodes.policy, "scenario": scenario, "seed": int(seed)}
        | {name: values[i] for name, values in columns.items()}
        for i, (scenario, seed) in enumerate(zip(episodes.scenarios, episodes.seeds.tolist(), strict=True))
    ]


def _summary(rows: list[dict[str, Any]], ours: str) -> tuple[Scores, dict[str, Scores]]:
    policies = list(dict.fromkeys(row["policy"] for row in rows))
    metrics = ordered({name for row in rows for name in row} - set(KEYS))
    keyed = {p: {(r["scenario"], r["seed"]): r for r in rows if r["policy"] == p} for p in policies}
    scores, differences = {}, {}
    for policy in policies:
        every = {m: [row.get(m, math.nan) for row in keyed[policy].values()] for m in metrics}
        scores[policy] = {m: bootstrap_mean(v) for m, v in every.items() if not np.isnan(v).all()}
    for baseline in policies if ours in keyed else ():
        both = [key for key in keyed[ours] if key in keyed[baseline]]
        if baseline == ours or not both:
            continue
        for m in scores[ours]:
            mine, theirs = ([keyed[p][key].get(m, math.nan) for key in both] for p in (ours, baseline))
            differences.setdefault(ours, {}).setdefault(m, {})[baseline] = paired_difference(mine, theirs)
    return scores, differences


def _plain(value: Any) -> Any:
    if isinstance(value, Interval):
        return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in asdict(value).items()}
    return {key: _plain(inner) for key, inner in value.items()}


def _interval(value: Mapping[str, Any]) -> Interval:
    mean, low, high = (math.nan if value[k] is None else value[k] for k in ("mean", "low", "high"))
    return Interval(mean, low, high, value["n"])


def _cell(interval: Interval | None, metric: str) -> Text:
    if interval is None or not interval.n:
        return Text("–")
    return Text.assemble(
        say(interval.mean, metric), (f"\n{say(interval.low, metric)}…{say(interval.high, metric)}", "dim")
    )
