"""Memory and time of the training step against the number of agents."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import torch

from benchmarks.clock import take_turns
from benchmarks.scenes import walks
from benchmarks.training import FRAMES, SIZE, ours, pretraining

STATUS = Path("/proc/self/status")
DENSE = 1_000_000
"""`neighbours` with which everybody within reach is seen."""


def kept_for_backward(agents: int, neighbours: int, scenes: int) -> int:
    """Bytes that the forward pass of the training step keeps, each storage counted once, parameters left out."""
    scene = walks(scenes, agents, FRAMES)
    stage = pretraining(scene, size=replace(SIZE, neighbours=neighbours))
    own = {parameter.untyped_storage().data_ptr() for parameter in stage.parameters()}
    held: dict[int, torch.UntypedStorage] = {}

    def hold(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            held[storage.data_ptr()] = storage  # holding it keeps its address from being given to another
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(hold, lambda tensor: tensor):
        stage.terms(scene)
    return sum(storage.nbytes() for storage in held.values())


def peak_memory(counts: list[int], neighbours: int, scenes: int) -> list[int]:
    """Greatest resident memory (bytes) of a fresh process after a training step of each of the ascending `counts`.

    Linux only; elsewhere the list is empty.
    """
    if not STATUS.is_file():
        return []
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_peaks, counts, neighbours, scenes).result()


def _peaks(counts: list[int], neighbours: int, scenes: int) -> list[int]:
    torch.set_num_threads(1)
    peaks = []
    for agents in counts:
        ours(scenes, agents, neighbours=neighbours)()
        # not ru_maxrss, which a process inherits from the one that started it
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        peaks.append(int(line.split()[1]) * 1024)
    return peaks


def cpu_seconds(counts: list[int], neighbours: int, scenes: int, repeats: int) -> list[float]:
    """Of one training step, for each number of agents."""
    cases: dict[str, Callable[[], object]] = {str(n): ours(scenes, n, neighbours=neighbours) for n in counts}
    return list(take_turns(cases, repeats).values())


def exponent(counts: list[int], values: list[float]) -> float:
    """Slope of log(value) over log(agents) by least squares: 1 is linear, 2 quadratic."""
    x, y = torch.tensor(counts).double().log(), torch.tensor(values).double().log()
    x, y = x - x.mean(), y - y.mean()
    return float((x * y).sum() / (x * x).sum())
