"""Training curves, read from the CSV files that Lightning's `CSVLogger` leaves in a run folder."""

import csv
from dataclasses import dataclass
from pathlib import Path

NOT_CURVES = ("step", "epoch", "time")


@dataclass(frozen=True)
class Curve:
    """One logged number over training.

    Attributes:
        name: column, such as `val/loss`.
        step: optimiser steps, increasing.
        value: what was logged there.
    """

    name: str
    step: list[int]
    value: list[float]


def read_curves(run_dir: Path) -> dict[str, list[Curve]]:
    """Curves of every `metrics.csv` under `run_dir`, by its folder relative to it; cells left empty are skipped."""
    found = {}
    for path in sorted(run_dir.rglob("metrics.csv")):
        curves = _read(path)
        if curves:
            found[str(path.parent.relative_to(run_dir))] = curves
    return found


def _read(path: Path) -> list[Curve]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = [name for name in (rows[0] if rows else ()) if name and name not in NOT_CURVES]
    curves = []
    for name in sorted(columns, key=_order):
        points = []
        for line, row in enumerate(rows):
            try:
                points.append((int(float(row.get("step") or line)), float(row[name])))
            except (TypeError, ValueError):
                continue  # the logger leaves a cell empty where a row does not log this number
        points = [(step, value) for step, value in sorted(points) if value == value and abs(value) != float("inf")]
        if len(points) > 1:
            curves.append(Curve(name, [p[0] for p in points], [p[1] for p in points]))
    return curves


def _order(name: str) -> tuple[int, str]:
    stages = ("train/loss", "val/loss", "val", "latent", "train")
    return next((i for i, stage in enumerate(stages) if name.startswith(stage)), len(stages)), name
