"""`python -m benchmarks.pretraining`: speed and memory of everything up to latents, beside plain references.

One run measures all of it on one thread, cases taking turns; README.md says what each line means.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch
from rich.console import Console
from rich.status import Status
from rich.table import Table

from benchmarks import acting, growth, loading, regulariser, training
from benchmarks.clock import ROOT, calibration, describe_machine, take_turns
from benchmarks.rows import write
from jepa_social.memory import keep_memory

OUT = ROOT / "benchmarks" / "pretraining.csv"


@dataclass(frozen=True)
class Measurement:
    """One measurement: `value` in `unit`; `cpu_ms` and `x_cal` are of one call, empty for what takes no time."""

    part: str
    case: str
    value: float
    unit: str
    cpu_ms: float | None = None
    x_cal: float | None = None


@dataclass(frozen=True)
class Sizes:
    """How much is measured.

    Attributes:
        repeats: rounds; medians are over them.
        batch: scenes in a training step.
        plan: samples, horizon and iterations of CEM.
        log: recordings, agents and frames of the log that is loaded.
        counts: numbers of agents, ascending.
        scenes: of them in a step.
        projections, rows: of SIGReg.
    """

    repeats: int = 5
    batch: int = 256
    plan: tuple[int, int, int] = (300, 15, 10)
    log: tuple[int, int, int] = (8, 300, 900)
    counts: tuple[int, ...] = (8, 16, 32, 64, 128)
    scenes: int = 4
    projections: tuple[int, ...] = (16, 64, 256, 1024)
    rows: tuple[int, ...] = (256, 1024)


def timed(
    part: str,
    cases: Mapping[str, tuple[Callable[[], object], float, str]],
    repeats: int,
    summary: Callable[[list[float]], float] = median,
) -> list[Measurement]:
    """Rows of cases given as (call, units of work in it, unit): work per CPU-second, calibrated in the same turns."""
    calls = {"matmul": calibration()} | {name: call for name, (call, _, _) in cases.items()}
    seconds = take_turns(calls, repeats, summary)
    unit = seconds["matmul"]
    rows = [Measurement(part, "calibration, 20 x 512^3", 20 * 2 * 512**3 / unit / 1e9, "GFLOP/CPU-s", unit * 1e3, 1.0)]
    for name, (_, work, what) in cases.items():
        rows.append(Measurement(part, name, work / seconds[name], what, seconds[name] * 1e3, seconds[name] / unit))
    return rows


def measure(sizes: Sizes, say: Callable[[str], object]) -> list[Measurement]:
    """All rows; `say` is told what comes next."""
    say("training step")
    steps = {
        name: (call, scenes * training.AGENTS, "agent-sequences/CPU-s")
        for name, (call, scenes) in training.cases(sizes.batch).items()
    }
    rows = timed("training step", steps, sizes.repeats)
    rows += [_scenes(row) for row in rows if row.unit == "agent-sequences/CPU-s"]
    for scenes in (1, 32):
        say(f"stream, {scenes} scenes")
        calls = acting.stream_cases(scenes)
        frames = {f"{name}, {scenes} scenes": (call, scenes, "scene-frames/CPU-s") for name, call in calls.items()}
        rows += timed("newest frame", frames, 4 * sizes.repeats)
    samples, horizon, iterations = sizes.plan
    say("rollouts")
    plans = acting.rollout_cases(samples, horizon, iterations)
    work = samples * horizon * iterations
    rolled = {name: (call, work, "scene-steps/CPU-s") for name, call in plans.items()}
    rows += timed(f"CEM rollouts, {samples} x {horizon} x {iterations}", rolled, sizes.repeats)
    say("loader")
    with TemporaryDirectory() as folder:
        loaders = loading.cases(Path(folder), *sizes.log)
        loaded = {name: (call, count, "windows/CPU-s") for name, (call, count) in loaders.items()}
        rows += timed("loader", loaded, max(1, sizes.repeats // 2))
    say("SIGReg")
    tests = regulariser.cases(list(sizes.projections), list(sizes.rows))
    penalties = {name: (call, 1.0, "penalties with gradient/CPU-s") for name, call in tests.items()}
    rows += timed("SIGReg", penalties, sizes.repeats)
    for name, neighbours in (("24 neighbours", training.SIZE.neighbours), ("all neighbours", growth.DENSE)):
        say(f"growth, {name}")
        rows += grown(name, neighbours, sizes)
    return rows


def _scenes(row: Measurement) -> Measurement:
    return replace(row, value=row.value / training.AGENTS, unit="sequences (scenes)/CPU-s")


def grown(name: str, neighbours: int, sizes: Sizes) -> list[Measurement]:
    """Memory and time against agents, and the exponents with which they grow."""
    counts, scenes, part = list(sizes.counts), sizes.scenes, f"growth, {name}"
    kept = [growth.kept_for_backward(n, neighbours, scenes) / (scenes * n) / 1e3 for n in counts]
    peaks = [peak / 1e6 for peak in growth.peak_memory(counts, neighbours, scenes)]
    seconds = growth.cpu_seconds(counts, neighbours, scenes, min(3, sizes.repeats))
    spent = [second / (scenes * n) * 1e3 for second, n in zip(seconds, counts, strict=True)]
    rows = []
    for values, unit in ((kept, "kB kept/agent"), (spent, "CPU-ms/agent"), (peaks, "MB peak of the process")):
        rows += [Measurement(part, f"{n} agents", value, unit) for n, value in zip(counts, values, strict=False)]
    for values, what in ((kept, "memory"), (spent, "time")):
        total = [value * n for value, n in zip(values, counts, strict=True)]
        rows.append(Measurement(part, f"exponent of {what}", growth.exponent(counts, total), "1 = linear"))
    return rows


def show(rows: list[Measurement], machine: dict[str, str], console: Console) -> None:
    """Print the rows."""
    table = Table(title=", ".join(f"{key} {value}" for key, value in machine.items()), title_justify="left")
    for name in ("", "case", "value", "unit", "CPU ms", "x cal"):
        table.add_column(name, justify="left" if name in ("", "case", "unit") else "right")
    last = None
    for row in rows:
        if row.part != last:
            table.add_section()
        numbers = ("" if v is None else f"{v:,.4g}" if v < 1000 else f"{v:,.0f}" for v in (row.cpu_ms, row.x_cal))
        value = f"{row.value:,.3g}" if row.value < 100 else f"{row.value:,.0f}"
        table.add_row("" if row.part == last else row.part, row.case, value, row.unit, *numbers)
        last = row.part
    console.print(table)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pretraining", description=__doc__)
    parser.add_argument("--repeats", type=int, default=Sizes.repeats, help="rounds; medians are over them")
    parser.add_argument("--out", type=Path, default=OUT, help="the CSV file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_memory()
    torch.manual_seed(0)
    console = Console()
    with Status("…", console=console) as status:
        rows = measure(Sizes(repeats=options.repeats), status.update)
    machine = describe_machine()
    show(rows, machine, console)
    write(rows, machine, options.out)
    console.print(f"written to {options.out}")


if __name__ == "__main__":
    main()
