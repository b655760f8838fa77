"""Running cells: in this process, in processes of this machine, or as jobs of a Hydra launcher; always with a bar.

Whoever runs them, a cell is judged by what it leaves behind (`is_done`): one that fails, or is killed, stops no other.
"""

import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from jepa_social.bench.cells import LOG
from jepa_social.bench.grid import Cell

POLL = 0.2
"""s between looks at processes."""
Report = Callable[[list[Cell], int], None]
"""Tells the bar: cells at work, cells finished (well or not)."""


@contextmanager
def progress(cells: int) -> Iterator[Report]:
    """A bar over cells with the time left, on the terminal's stderr even while a cell's output goes to its log."""
    columns = (
        *(TextColumn("cells"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()),
        *(TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.description}")),
    )
    # A window of an hour, not of 30 s: cells take minutes.
    with Progress(*columns, console=Console(file=sys.stderr), speed_estimate_period=3600.0) as bar:
        task = bar.add_task("", total=cells)

        def report(running: list[Cell], finished: int) -> None:
            bar.update(task, completed=finished, description=", ".join(map(str, running)))

        yield report


def run_here(cells: Sequence[Cell], run: Callable[[Cell], None], report: Report) -> None:
    """One after the other in this process; what a cell raises is in its log."""
    for count, cell in enumerate(cells):
        report([cell], count)
        try:
            run(cell)
        except Exception:
            continue
        finally:
            report([], count + 1)


def run_beside(cells: Sequence[Cell], command: Callable[[Cell], list[str]], workers: int, report: Report) -> None:
    """`workers` processes at a time, the machine's cores and GPUs shared out among them.

    `OMP_NUM_THREADS` is left alone where it is set. With GPUs, each worker sees one of them.
    """
    waiting, free = deque(cells), list(range(workers))
    running: dict[int, tuple[Cell, subprocess.Popen]] = {}
    try:
        while waiting or running:
            while waiting and free:
                cell = waiting.popleft()
                slot = free.pop(0)
                running[slot] = (cell, _start(cell, command(cell), slot, workers))
            over = [slot for slot, (_, process) in running.items() if process.poll() is not None]
            for slot in over:
                del running[slot]
                free.append(slot)
            report([cell for cell, _ in running.values()], len(cells) - len(waiting) - len(running))
            if not over:
                time.sleep(POLL)
    finally:
        for _, process in running.values():
            process.terminate()
        for _, process in running.values():
            process.wait()


def run_launched(cells: Sequence[Cell], command: list[str], done: Callable[[Cell], bool], report: Report) -> None:
    """One process that submits all cells as jobs and waits for them, such as a Hydra multirun."""
    process = subprocess.Popen(command)
    left = list(cells)
    try:
        while process.poll() is None:
            left = [cell for cell in left if not done(cell)]
            report([], len(cells) - len(left))
            time.sleep(max(POLL, 0.1 * len(left)))  # each look composes a config
    finally:
        process.terminate()
        process.wait()
    report([], len(cells) - len([cell for cell in left if not done(cell)]))


def _start(cell: Cell, command: list[str], slot: int, workers: int) -> subprocess.Popen:
    environment = dict(os.environ)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    environment.setdefault("OMP_NUM_THREADS", str(max(1, cores // workers)))
    visible = [d for d in environment.get("CUDA_VISIBLE_DEVICES", "").split(",") if d]
    devices = visible or [str(i) for i in range(torch.cuda.device_count())]
    if devices:
        environment["CUDA_VISIBLE_DEVICES"] = devices[slot % len(devices)]
    cell.folder.mkdir(parents=True, exist_ok=True)
    with (cell.folder / LOG).open("a") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment)
