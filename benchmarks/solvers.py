"""`python -m benchmarks.solvers run=runs/crowd`: the cost that each solver reaches against plans judged, beside `cma`.

All face the planner's own objective, with a trained model, at the same moments of the same crowds. README.md says how.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from benchmarks.clock import ROOT, describe_machine
from benchmarks.cma_es import CmaEs
from benchmarks.rows import write
from benchmarks.solvers_figure import draw
from jepa_social.evaluation.statistics import bootstrap_mean, paired_difference
from jepa_social.mind.world_model import WorldModel
from jepa_social.planning.build import jepa_planner
from jepa_social.planning.prior import FILE as PRIOR
from jepa_social.planning.prior import Prior
from jepa_social.planning.solvers import Objective, Solver
from jepa_social.runs import read_settings

LONG = 1000
"""Rounds that no solver gets to: the budget ends before."""
BACKWARD = 3
"""Plans that one with its gradient counts as: what a forward and a backward pass cost."""
REFERENCE = "cem"


@dataclass
class Settings:
    """What the command line takes, `name=value`.

    Attributes:
        run: a trained run directory.
        scenes: crowds, from `first_seed` on: validation seeds, which no suite and no log uses.
        moments: decisions of each crowd at which all solvers are asked.
        budgets: plans judged, ascending.
        out: the CSV; the figure lies beside it.
    """

    run: str = "runs/crowd"
    scenes: int = 24
    first_seed: int = 2_000_000
    moments: list[int] = field(default_factory=lambda: [4, 12])
    budgets: list[int] = field(default_factory=lambda: [32, 64, 128, 256, 512])
    out: str = str(ROOT / "benchmarks" / "solvers.csv")


@dataclass(frozen=True)
class SolverRow:
    """A solver at a budget: mean cost, and by how much it is above the best that any solver found, with 95 % intervals.

    `against` is its cost less the reference's at the same budget, in the same problems.
    """

    solver: str
    plans: int
    cost: float
    excess: float
    excess_low: float
    excess_high: float
    against: float
    against_low: float
    against_high: float
    cpu_ms: float
    problems: int


class Spent(Exception):
    """The budget is used up."""


class Counted:
    """An objective that counts plans, keeps the lowest cost at each budget, and stops the search after the last."""

    def __init__(self, objective: Objective, budgets: list[int]):
        self.objective, self.budgets = objective, budgets
        self.plans, self.lowest, self.began = 0, torch.tensor(torch.inf), process_time()
        self.reached: dict[int, tuple[Tensor, float]] = {}

    def __call__(self, plans: Tensor) -> Tensor:
        """The costs; where a budget ends within these plans, the rest of them does not count for it."""
        cost = self.objective(plans)
        known, each = cost.detach(), BACKWARD if plans.requires_grad else 1
        before, self.plans = self.plans, self.plans + each * plans.shape[1]
        for budget in self.budgets:
            if before < budget <= self.plans:
                part = known[:, : (budget - before) // each]
                lowest = torch.minimum(self.lowest, part.amin(1)) if part.shape[1] else self.lowest
                self.reached[budget] = lowest, process_time() - self.began
        self.lowest = torch.minimum(self.lowest, known.amin(1))
        if self.plans >= self.budgets[-1]:
            raise Spent
        return cost


class Tap:
    """A solver that asks all others first, at the chosen moments, and then lets its own decide.

    Args:
        own: whose plans are walked.
        asked: the others, by name; a name that ends in " + prior" is told the prior's plan too, and one that ends in
            " led by prior" begins there.
        moments, budgets: see `Settings`.
        prior: whether the planner has one that leads (then it tells the last plan behind the guesses).
    """

    gradients = True

    def __init__(self, own: Solver, asked: dict[str, Solver], moments: list[int], budgets: list[int], prior: bool):
        self.own, self.asked, self.moments, self.budgets, self.prior = own, asked, moments, budgets, prior
        self.decision, self.alone = 0, []
        self.found: dict[str, dict[int, list[tuple[Tensor, float]]]] = {
            name: {b: [] for b in budgets} for name in asked
        }

    def solve(
        self,
        objective: Objective,
        mean: Tensor,
        std: Tensor,
        guesses: Tensor,
        seed: int = 0,
        deadline_s: float | None = None,
    ) -> Tensor:
        """See `Solver`."""
        told, plain = {"led by prior": (mean, std, guesses)}, (mean, std, guesses)
        if self.prior:
            plain = guesses[:, -1], torch.full_like(std, float(std.max())), guesses[:, :-2]
            told["+ prior"] = plain[0], plain[1], torch.cat((guesses[:, -2:-1], plain[2]), dim=1)
        if self.decision in self.moments:
            if self.prior:
                self.alone.append(objective(mean[:, None])[:, 0])
            for name, solver in self.asked.items():
                begin = next((start for ending, start in told.items() if name.endswith(ending)), plain)
                counted = Counted(objective, self.budgets)
                with suppress(Spent):
                    solver.solve(counted, *begin, seed)
                for budget, reached in counted.reached.items():
                    self.found[name][budget].append(reached)
        self.decision += 1
        return self.own.solve(objective, *plain, seed, deadline_s)


def competitors(prior: bool) -> dict[str, Solver]:
    """The config group `solver` and `cma`, all without an end of their own; some again with the prior."""
    files = sorted((ROOT / "configs" / "solver").glob("*.yaml"))
    asked = {path.stem: instantiate(OmegaConf.load(path), iterations=LONG) for path in files}
    asked["cma"] = CmaEs(iterations=LONG)
    if prior:
        asked |= {f"{name} {how}": asked[name] for name in (REFERENCE, "mppi") for how in ("+ prior", "led by prior")}
    return asked


def measure(settings: Settings) -> list[SolverRow]:
    """Walk the crowds with the run's planner and ask everybody at the chosen moments."""
    config = read_settings(settings.run)
    prior = Prior.load(settings.run) if (Path(settings.run) / PRIOR).is_file() else None
    config.planner.prior = prior is not None
    config.planner.mpc.lead = prior is not None
    planner = jepa_planner(WorldModel.load(settings.run), config.planner, prior=prior)
    asked = competitors(prior is not None)
    tap = Tap(planner.solver, asked, settings.moments, settings.budgets, prior is not None)
    planner.solver = tap
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        world = instantiate(compose("eval", ["suite=crowd", "run=."]).suite.world)
    scene = world.reset(range(settings.first_seed, settings.first_seed + settings.scenes))
    for _ in track(range(max(settings.moments) + 1), "decisions"):
        scene = world.step(planner.act(scene))
    return rows(tap, settings.scenes)


def rows(tap: Tap, scenes: int) -> list[SolverRow]:
    """Means over all scenes and moments; moments of one scene are resampled together."""
    costs = {
        name: {budget: torch.cat([cost for cost, _ in reached]).double().numpy() for budget, reached in by.items()}
        for name, by in tap.found.items()
    }
    if tap.alone:
        costs["prior alone"] = {1: torch.cat(tap.alone).double().numpy()}
    least = np.minimum.reduce([cost for by in costs.values() for cost in by.values()])
    cluster = np.tile(np.arange(scenes), len(least) // scenes)
    made = []
    for name, by in costs.items():
        for budget, cost in by.items():
            excess = bootstrap_mean(cost - least, cluster)
            gap = paired_difference(cost, costs[REFERENCE].get(budget, costs[REFERENCE][tap.budgets[0]]), cluster)
            spent = sum(s for _, s in tap.found[name][budget]) if name in tap.found else float("nan")
            made.append(
                SolverRow(
                    name, budget, float(cost.mean()), excess.mean, excess.low, excess.high,
                    gap.mean, gap.low, gap.high, 1e3 * spent / len(cost), len(cost),
                )
            )  # fmt: skip
    return made


def show(found: list[SolverRow], console: Console) -> None:
    """A line a solver, a column a budget: excess cost with its interval."""
    budgets = sorted({row.plans for row in found if row.plans > 1})
    title = f"cost above the best that any solver found, mean of {found[0].problems} problems [95 %], by plans judged"
    table = Table("solver", *map(str, budgets), f"CPU ms / scene at {budgets[-1]}", title=title, title_justify="left")
    for name in dict.fromkeys(row.solver for row in found):
        mine = {row.plans: row for row in found if row.solver == name}
        cells = [mine.get(budget, mine.get(1)) for budget in budgets]
        told = [f"{c.excess:.3f} [{c.excess_low:.3f}, {c.excess_high:.3f}]" if c else "" for c in cells]
        table.add_row(name, *told, f"{cells[-1].cpu_ms:.1f}" if cells[-1] else "")
    console.print(table)


def main() -> None:
    """Measure, print, write, draw."""
    torch.set_num_threads(1)
    settings = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Settings), OmegaConf.from_cli()))
    assert isinstance(settings, Settings)
    console, out = Console(width=160), Path(settings.out)
    found = measure(settings)
    show(found, console)
    write(found, describe_machine(), out)
    draw(found, out.with_suffix(".png"))
    console.print(f"written to {out} and {out.with_suffix('.png')}")


if __name__ == "__main__":
    main()
