"""`metrics.csv`, the curves of a stage, whole again after an interruption."""

import csv
from pathlib import Path

from lightning.pytorch.loggers import CSVLogger


def curve_logger(folder: Path, done: int) -> CSVLogger:
    """Writes `folder/metrics.csv`, the rows of its first `done` steps before all others.

    Lightning's logger deletes what an earlier session left there, so it is told these rows again. Later ones are
    dropped: training goes on from a checkpoint and repeats those steps.
    """
    path, rows = folder / "metrics.csv", []
    if done and path.is_file():
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
    logger = CSVLogger(folder, name="", version="")
    for row in rows:
        step = int(row.pop("step"))
        if step < done:
            logger.log_metrics({name: float(value) for name, value in row.items() if value}, step)
    if rows:
        logger.save()
    return logger
