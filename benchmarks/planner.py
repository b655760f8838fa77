"""`python -m benchmarks.planner --run runs/crowd`: what a decision costs, and what it is worth, by budget.

CrowdNav's circle with an ego that nobody sees. Every planner and baseline is timed deciding for one scene on one
thread, and walked through the same validation episodes. README.md says what each column means. Every row is written
as soon as it is measured, cheap budgets first; run again on the same commit and machine, those that are there are kept.
"""

import argparse
import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from matplotlib.figure import Figure
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.clock import ROOT, calibration, describe_machine, take_turns
from benchmarks.rows import write as write_rows
from jepa_social.evaluation.episodes import Episodes
from jepa_social.evaluation.navigation import navigation
from jepa_social.evaluation.runner import run_episodes
from jepa_social.evaluation.style import EGO, IMAGINED, PERSON
from jepa_social.files import with_draft
from jepa_social.mind.world_model import WorldModel
from jepa_social.planning.build import constant_velocity_planner, jepa_planner
from jepa_social.planning.policy import Policy
from jepa_social.planning.reactive import Orca, SocialForce
from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.people import CROWDNAV
from jepa_social.worlds.scenarios import CircleCrossing

OUT = ROOT / "benchmarks" / "planner.csv"
FIRST_SEED = 2_000_000
"""Validation seeds: no suite tests on them and no log is made from them."""


@dataclass(frozen=True)
class PlannerRow:
    """One policy under one budget (empty for what has none).

    Attributes:
        plans: samples x iterations that CEM judges in a decision.
        p50, p99: CPU ms of a decision in one scene; on a core of its own that is how long it takes.
        x_cal: p50 over the calibration's time.
        success, collision, discomfort: shares of `episodes`, the last one of their steps.
        time: s to the goal.
    """

    policy: str
    plans: str
    p50: float
    p99: float
    x_cal: float
    success: float
    collision: float
    time: float
    discomfort: float
    episodes: int


def planners(
    model: WorldModel, config: DictConfig, budgets: Sequence[tuple[int, int]]
) -> list[tuple[str, str, Policy]]:
    """(row, budget, policy): the baselines, and the planners under each budget of (samples, iterations), cheap ones
    first."""
    found: list[tuple[str, str, Policy]] = [(one.name, "", one) for one in (Orca(0.15), SocialForce(10.0, 0.5))]
    for samples, iterations in sorted(budgets, key=lambda budget: budget[0] * budget[1]):
        solver = {"samples": samples, "iterations": iterations, "elites": max(2, min(samples // 8, 30))}
        changed = OmegaConf.merge(config, {"solver": solver})
        seen, blind = (OmegaConf.merge(changed, {"reactive": reactive}) for reactive in (True, False))
        assert isinstance(seen, DictConfig)
        assert isinstance(blind, DictConfig)
        budget = f"{samples} x {iterations}"
        found.append(("constant-velocity MPC", budget, constant_velocity_planner(blind, model.dt)))
        found.append(("jepa", budget, jepa_planner(model, blind)))
        found.append(("jepa, reaction to each plan", budget, jepa_planner(model, seen)))
    return found


def circle(people: int) -> Crowd:
    """CrowdNav's standard test (Chen et al. 2019) with this many people."""
    return Crowd(CircleCrossing(), people, CROWDNAV, visible=False)


def latency(policy: Policy, people: int, decisions: int) -> np.ndarray:
    """CPU s of each of `decisions` decisions for one scene on its way across; the first three are left out."""
    world, spent = circle(people), []
    seed = FIRST_SEED
    while len(spent) < decisions + 3:
        scene = world.reset([seed])
        policy.reset()
        for _ in range(min(32, decisions + 3 - len(spent))):
            start = process_time()
            action = policy.act(scene)
            spent.append(process_time() - start)
            scene = world.step(action)
        seed += 1
    return np.array(spent[3 : decisions + 3])


def measure(
    rows: list[tuple[str, str, Policy]],
    people: int,
    decisions: int,
    episodes: int,
    batch: int,
    tell: Callable[[str], object] = str,
) -> Iterator[PlannerRow]:
    """Time and walk each of `rows`, one after the other; `tell` hears how far it is."""
    unit = take_turns({"matmul": calibration()}, 5)["matmul"]
    seeds = range(FIRST_SEED, FIRST_SEED + episodes)
    for name, budget, policy in rows:
        label = f"{name} {budget}".strip()
        tell(f"{label}: {decisions} decisions")
        spent = latency(policy, people, decisions)
        walked = []
        for start in range(0, episodes, batch):
            walked.append(run_episodes(circle(people), policy, seeds[start : start + batch], batch))
            tell(f"{label}: {min(start + batch, episodes)} of {episodes} episodes")
        scores = navigation(Episodes.concatenate(walked))
        p50, p99 = (float(np.quantile(spent, q)) for q in (0.5, 0.99))
        success, collision, time = (
            float(x.nanmean()) for x in (scores.success, scores.collision, scores.navigation_time)
        )
        discomfort = float(scores.discomfort.mean())
        yield PlannerRow(
            name, budget, 1e3 * p50, 1e3 * p99, p50 / unit, success, collision, time, discomfort, episodes
        )  # fmt: skip


def read(path: Path, about: dict[str, str], episodes: int) -> list[PlannerRow]:
    """Rows of an earlier call that measured the same: `about` and `episodes` agree."""
    if not path.is_file():
        return []
    with open(path, newline="") as file:
        lines = [line for line in csv.DictReader(file) if {k: line.get(k) for k in about} == about]
    types: dict[str, Any] = {field.name: field.type for field in fields(PlannerRow)}
    rows = [PlannerRow(**{name: kind(line[name]) for name, kind in types.items()}) for line in lines]
    return [row for row in rows if row.episodes == episodes]


def show(rows: list[PlannerRow], title: str, console: Console) -> None:
    """Print the rows."""
    table = Table(title=title, title_justify="left")
    for name in ("policy", "plans", "p50 ms", "p99 ms", "x cal", "success", "collision", "time s", "discomfort"):
        table.add_column(name, justify="left" if name in ("policy", "plans") else "right")
    for row in rows:
        cost = (f"{row.p50:.2f}", f"{row.p99:.2f}", f"{row.x_cal:.2f}")
        worth = (f"{row.success:.3f}", f"{row.collision:.3f}", f"{row.time:.2f}", f"{100 * row.discomfort:.2f} %")
        table.add_row(row.policy, row.plans, *cost, *worth)
    console.print(table)


def write(rows: list[PlannerRow], about: dict[str, str], path: Path) -> None:
    """Write the rows as CSV, the machine and the setting on each, and the figure beside it."""
    write_rows(rows, about, path)
    with_draft(path.with_suffix(".png"), lambda draft: draw(rows, draft))


def draw(rows: list[PlannerRow], path: Path) -> None:
    """Success against the time of a decision: one line a planner, its budgets joined; a dot a baseline."""
    figure = Figure(figsize=(7.0, 3.6), layout="constrained")
    axes = figure.subplots()
    colours = {"jepa": EGO, "jepa, reaction to each plan": "#E69F00", "constant-velocity MPC": IMAGINED}
    for name in dict.fromkeys(row.policy for row in rows):
        mine = [row for row in rows if row.policy == name]
        x, y = [row.p50 for row in mine], [row.success for row in mine]
        axes.plot(x, y, "o-", color=colours.get(name, PERSON), label=name if name in colours else None)
        if name not in colours:
            axes.annotate(name, (x[0], y[0]), (0, 6), textcoords="offset points", fontsize=8)
        for row in mine:
            axes.plot([row.p50, row.p99], [row.success] * 2, color=colours.get(name, PERSON), linewidth=0.8, alpha=0.6)
    axes.axvline(20, color=PERSON, linestyle=":", linewidth=1)
    axes.set(xscale="log", xlabel="CPU ms a decision, one scene: median, thin to the 99th percentile", ylabel="success")
    axes.spines[["top", "right"]].set_visible(False)
    if any(row.policy in colours for row in rows):
        axes.legend(frameon=False, fontsize=8, loc="lower right")
    figure.savefig(path, format="png", dpi=150)


def _budget(text: str) -> tuple[int, int]:
    samples, iterations = text.split("x")
    return int(samples), int(iterations)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planner", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="run directory of a world model of simulated crowds")
    parser.add_argument("--people", type=int, default=7, help="others on the circle")
    parser.add_argument("--budgets", type=_budget, nargs="+", default=[(48, 1), (48, 2), (300, 10)])
    parser.add_argument("--decisions", type=int, default=100, help="that are timed")
    parser.add_argument("--episodes", type=int, default=50, help="validation episodes")
    parser.add_argument("--batch", type=int, default=10, help="episodes side by side: little memory is fast memory")
    parser.add_argument("--out", type=Path, default=OUT, help="the CSV file; the figure lies beside it")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        config = compose("train", ["planner.ego_kind=robot"]).planner
    console, about = Console(), {"people": str(options.people), **describe_machine()}
    done = read(options.out, about, options.episodes)
    had = {(row.policy, row.plans) for row in done}
    wanted = planners(WorldModel.load(options.run), config, options.budgets)
    missing = [row for row in wanted if row[:2] not in had]
    with Progress(console=console) as progress:
        task = progress.add_task("planners", total=len(missing))
        measured = measure(
            missing, options.people, options.decisions, options.episodes, options.batch,
            lambda text: progress.update(task, description=text),
        )  # fmt: skip
        for row in measured:
            done.append(row)
            write(done, about, options.out)
            progress.advance(task)
            console.print(f"{row.policy} {row.plans}: {row.p50:.1f} ms, success {row.success:.3f}")
    show(done, ", ".join(f"{name} {value}" for name, value in about.items()), console)
    console.print(f"written to {options.out} and {options.out.with_suffix('.png')}")


if __name__ == "__main__":
    main()
