"""`python -m benchmarks.worlds`: agent-steps per CPU-second of crowds, ours beside other people's simulators.

One run measures all of it on one thread, cases taking turns, the best turn of several; README.md says what lines mean.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.status import Status

from benchmarks import crowds, peers
from benchmarks.clock import ROOT, describe_machine
from benchmarks.pretraining import Measurement, show, timed
from benchmarks.rows import write

OUT = ROOT / "benchmarks" / "worlds.csv"
UNIT = "agent-steps/CPU-s"


@dataclass(frozen=True)
class WorldSizes:
    """How much is measured.

    Attributes:
        repeats: rounds; the best counts.
        crowds: scenes x agents.
        steps: in one call of a case that steps.
        apart: how many scenes of simulators that hold one scene each are timed.
        agents_of_vmas: the most in a scene of VMAS, whose start places agents one by one until none overlap.
    """

    repeats: int = 7
    crowds: tuple[tuple[int, int], ...] = ((1000, 5), (64, 50), (1, 500))
    steps: int = 8
    apart: int = 4
    agents_of_vmas: int = 50


def measure(sizes: WorldSizes, say: Callable[[str], object]) -> tuple[list[Measurement], list[str]]:
    """All rows, and why what is missing is missing; `say` is told what comes next."""
    rows, left_out = [], []
    for scenes, agents in sizes.crowds:
        name = f"{scenes:,} x {agents}"
        say(name)
        cases = ours(scenes, agents, sizes.steps)
        few = crowds.start(min(scenes, sizes.apart), agents)
        several = crowds.Start(few.position[:1].expand(scenes, -1, -1), few.goal[:1])
        for build, start in (
            (peers.pyrvo_cases, few),
            (peers.jupedsim_cases, few),
            (peers.pysocialforce_cases, few),
            (peers.vmas_cases, several),
        ):
            title = build.__name__.removesuffix("_cases")
            if build is peers.vmas_cases and agents > sizes.agents_of_vmas:
                left_out.append(f"{name}: {title} is not asked for more than {sizes.agents_of_vmas} agents in a scene")
                continue
            try:
                found = build(start, sizes.steps)
            except ImportError as error:
                left_out.append(f'{name}: {title} is left out ({error}); pip install -e ".[bench]"')
                continue
            work = len(start.position) * agents * sizes.steps
            cases |= {case: (call, work, UNIT) for case, call in found.items()}
        rows += timed(name, cases, sizes.repeats, min)
    return rows, left_out


def ours(scenes: int, agents: int, steps: int) -> dict[str, tuple[Callable[[], object], float, str]]:
    """Our cases: call, agent-steps in it, unit."""
    cases = {}
    for name, social_force in (("social force", True), ("ORCA", False)):
        velocity = crowds.velocity_case(scenes, agents, social_force)
        step = crowds.world_case(scenes, agents, steps, social_force)
        cases[f"ours, {name}, velocities"] = (velocity, float(scenes * agents), UNIT)
        cases[f"ours, {name}, World.step"] = (step, float(scenes * agents * steps), UNIT)
    return cases


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.worlds", description=__doc__)
    parser.add_argument("--repeats", type=int, default=WorldSizes.repeats, help="rounds; the best counts")
    parser.add_argument("--out", type=Path, default=OUT, help="the CSV file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    console = Console()
    with Status("…", console=console) as status:
        rows, left_out = measure(WorldSizes(repeats=options.repeats), status.update)
    machine = describe_machine()
    show(rows, machine, console)
    for line in left_out:
        console.print(line)
    write(rows, machine, options.out)
    console.print(f"written to {options.out}")


if __name__ == "__main__":
    main()
