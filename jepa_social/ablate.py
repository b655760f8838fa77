"""Ablations: `python -m jepa_social.ablate ablation=objective` trains, evaluates, compares; run again to go on.

`workers=4` runs four cells side by side. `hydra/launcher=submitit_slurm hydra.launcher.partition=gpu` runs every cell
as a job of the cluster (`pip install jepa-social[slurm]`); any other Hydra launcher will do. `workers=0` runs nothing
and writes the tables of what is done.
"""

import signal
import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig
from rich.console import Console

from jepa_social.bench.cells import LOG, ROOT, failure, is_done, is_other, run_cell
from jepa_social.bench.execute import progress, run_beside, run_here, run_launched
from jepa_social.bench.grid import Cell, Grid, expand
from jepa_social.bench.publish import publish
from jepa_social.bench.records import collect, earlier, ordered, read_records, write_records

CONFIGS = ROOT / "configs" / "bench"


@hydra.main(version_base="1.3", config_path=str(CONFIGS), config_name="ablate")
def main(config: DictConfig) -> None:
    """Run the grid, or one cell of it; exit code 1 if a cell failed.

    `results/<name>.csv` gets the cells of the grid that are done. What it has of other cells stays, each with the
    commit that ran it: delete the file to begin anew.
    """
    if "ablation" not in config:
        choices = sorted(path.stem for path in (CONFIGS / "ablation").glob("*.yaml"))
        sys.exit(f"ablation=… says what to vary, and is missing: one of {', '.join(choices)}")
    alone = HydraConfig.get().mode == RunMode.RUN
    if alone:  # a launcher's jobs have handlers of their own
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that workers and notes are seen to
    grid = expand(config)
    if config.cell is not None:
        _one(grid.cells[config.cell], alone)
        return
    if not alone:
        raise ValueError("no --multirun: say hydra/launcher=<launcher> alone, and every cell becomes a job")
    try:
        _run([cell for cell in grid.cells if not is_done(cell)], config.workers)
    finally:
        failed = _publish(grid, Path(config.results))
    if failed and config.workers:
        sys.exit(1)


def _one(cell: Cell, alone: bool) -> None:
    try:
        if not is_done(cell):
            run_cell(cell)
    except Exception:
        if alone:  # in a multirun the other jobs must go on
            sys.exit(1)


def _run(cells: list[Cell], workers: int) -> None:
    if not cells or not workers:
        return
    settings = HydraConfig.get()
    this = [sys.executable, "-m", "jepa_social.ablate"]
    with progress(len(cells)) as report:
        if settings.runtime.choices["hydra/launcher"] != "basic":
            indices = ",".join(str(cell.index) for cell in cells)
            asked = [one for one in settings.overrides.hydra if not one.startswith("hydra.mode=")]
            command = [*this, "--multirun", *asked, *settings.overrides.task, f"cell={indices}"]
            run_launched(cells, command, is_done, report)
        elif workers > 1:
            run_beside(cells, lambda cell: [*this, *settings.overrides.task, f"cell={cell.index}"], workers, report)
        else:
            run_here(cells, run_cell, report)


def _publish(grid: Grid, folder: Path) -> list[Cell]:
    """Write the results of the cells that are done, tell about the others, and return these."""
    console = Console()
    done = [cell for cell in grid.cells if is_done(cell)]
    if done:
        path = folder / f"{grid.name}.csv"
        fresh, old = collect(grid, done), read_records(path) if path.is_file() else []
        kept = earlier(grid, fresh, old, [cell for cell in grid.cells if is_other(cell)])
        write_records(path, ordered(grid, [*fresh, *kept]))
        publish(path, console)
        if kept:
            cells = len({(record.row, record.fold, record.seed) for record in kept})
            commits = ", ".join(sorted({record.commit for record in kept}))
            console.print(f"of {cells} cells that are not of this call it keeps what it had (commits {commits})")
        if lost := {record.row for record in old} - {record.row for record in (*fresh, *kept)}:
            console.print(f"it no longer has {', '.join(sorted(lost))}: not in this grid, or run with other settings")
    left = [cell for cell in grid.cells if cell not in done]
    if left:
        console.print(f"{len(left)} of {len(grid.cells)} cells are not done:")
    for cell in left:
        known = (cell.folder / LOG).is_file()
        said = f"{failure(cell)} ({cell.folder / LOG})" if known else "not begun"
        console.print(f"  {cell}: {said}", markup=False, highlight=False, soft_wrap=True)
    return left


if __name__ == "__main__":
    main()
