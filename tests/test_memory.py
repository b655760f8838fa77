"""The heap keeps what is freed."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource, torch
from jepa_social.memory import keep_memory
if {keep}:
    print("kept" if keep_memory() else "other")
def blocks():
    for _ in range(20):
        torch.ones(4_000_000)
blocks()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
blocks()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(keep: bool) -> list[str]:
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(keep=keep)], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt is glibc's")
def test_blocks_that_are_freed_and_asked_for_again_do_not_fault():
    kept, faults = _faults(True)
    if kept != "kept":
        pytest.skip("this C library has no mallopt")
    assert int(faults) < 100
