"""One cell of a grid: train, evaluate, and a note of what was done, so that it is done once.

A cell's folder is an ordinary run directory with two files more: `log.txt`, all that its sessions printed, and
`cell.json`: `{suites, commit, date, seconds}`. A cell that is cut resumes from the run's own checkpoints.
"""

import subprocess
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from filelock import FileLock, Timeout
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from jepa_social.bench.grid import Cell
from jepa_social.evaluation.results import read_json, write_json
from jepa_social.runs import SETTINGS, has_settings
from jepa_social.stages.suites import evaluate
from jepa_social.stages.training import known_by, train

ROOT = Path(__file__).resolve().parents[2]
NOTE = "cell.json"
LOG = "log.txt"


def training_config(cell: Cell) -> DictConfig:
    """What `python train.py <the cell's overrides> run=<its folder>` would be given."""
    return _composed("train", cell.overrides, cell.folder)


def suite_configs(cell: Cell) -> list[DictConfig]:
    """What `python eval.py run=<the cell's folder> <the suite's overrides>` would be given, suite by suite."""
    return [_composed("eval", suite, cell.folder) for suite in cell.suites]


def is_done(cell: Cell) -> bool:
    """Whether the cell was trained with these settings and has the results of these suites."""
    note = read_json(cell.folder / NOTE)
    if note.get("suites") != [list(suite) for suite in cell.suites]:
        return False
    return (cell.folder / SETTINGS).is_file() and not is_other(cell)


def is_other(cell: Cell) -> bool:
    """Whether the cell's folder holds a run with other settings, or in another format (which training it will tell)."""
    try:
        return (cell.folder / SETTINGS).is_file() and not has_settings(cell.folder, known_by(training_config(cell)))
    except ValueError:
        return True


def run_cell(
    cell: Cell,
    train: Callable[[DictConfig], Any] = train,
    evaluate: Callable[[DictConfig], Any] = evaluate,
) -> None:
    """Train and evaluate one cell, unless that is done; what it prints, and the traceback if it fails, goes to its
    `log.txt`.

    `seconds` adds up over sessions; a session that was killed outright could not write its share.

    Raises:
        Timeout: another process is at work on this cell.
        Exception: whatever training or evaluation raises.
    """
    cell.folder.mkdir(parents=True, exist_ok=True)
    with (cell.folder / LOG).open("a", buffering=1) as log:
        try:
            claim = FileLock(cell.folder / ".lock").acquire(timeout=0)  # freed by the system if its holder is killed
        except Timeout:
            print(f"--- {_now()} asked for again while another process is at work on it", file=log)
            raise
        with claim, redirect_stdout(log), redirect_stderr(log):
            if not is_done(cell):  # by another bench on the same grid, meanwhile
                _train_and_evaluate(cell, train, evaluate)


def _train_and_evaluate(cell: Cell, train: Callable[[DictConfig], Any], evaluate: Callable[[DictConfig], Any]) -> None:
    note = cell.folder / NOTE
    before = read_json(note).get("seconds", 0.0)
    start, suites = perf_counter(), []
    print(f"--- {_now()} {' '.join(cell.overrides)}")
    try:
        train(training_config(cell))
        for config in suite_configs(cell):
            evaluate(config)
        suites = [list(suite) for suite in cell.suites]
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        news = {"commit": commit(), "date": _now(), "seconds": round(before + perf_counter() - start, 1)}
        write_json(note, news | {"suites": suites})


def failure(cell: Cell) -> str:
    """The last words of the cell's log."""
    log = cell.folder / LOG
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()] if log.is_file() else []
    return lines[-1].strip() if lines else "it left no log: was it killed before it began?"


def commit() -> str:
    """`git describe --always --dirty` of the code; empty outside git."""
    command = ["git", "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _composed(name: str, overrides: tuple[str, ...], run: Path) -> DictConfig:
    outer = GlobalHydra.instance()
    kept, outer.hydra = outer.hydra, None  # the bench is a Hydra application itself, with a primary config of its own
    try:
        with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
            config = compose(name, list(overrides))
    finally:
        GlobalHydra.instance().hydra = kept
    config.run = str(run)
    return config


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
