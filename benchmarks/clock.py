"""Measuring: cases take turns, so that a busy minute of the machine hits all of them alike."""

import platform
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

ROOT = Path(__file__).resolve().parents[1]


def take_turns(
    cases: dict[str, Callable[[], object]], repeats: int, summary: Callable[[list[float]], float] = median
) -> dict[str, float]:
    """CPU seconds (this process, all threads) of each case, run A B C A B C ... after an unmeasured round."""
    spent: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(repeats + 1):
        for name, case in cases.items():
            start = time.process_time()
            case()
            if turn:
                spent[name].append(time.process_time() - start)
    return {name: summary(times) for name, times in spent.items()}


def calibration() -> Callable[[], object]:
    """Twenty products of 512 x 512 matrices in single precision (5.4 GFLOP): the unit `x cal`."""
    a, b = torch.randn(512, 512), torch.randn(512, 512)
    return lambda: [a @ b for _ in range(20)]


def describe_machine() -> dict[str, str]:
    """Processor, versions and commit, for every row of the results."""
    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.is_file() else ""
    models = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.processor() or platform.machine(),
        "cores": str(len(models) or "?"),
        "threads": str(torch.get_num_threads()),
        "torch": torch.__version__,
        "commit": _git("describe", "--always", "--dirty"),
    }


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
