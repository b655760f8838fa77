"""Memory that is given back is memory that must be fetched again."""

import ctypes
import sys

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3
"""Parameters of glibc's `mallopt` (malloc.h)."""
LARGEST = 32 << 20
"""Bytes of the largest block that glibc lets the heap serve (DEFAULT_MMAP_THRESHOLD_MAX)."""


def keep_memory() -> bool:
    """Let the heap keep large blocks that are freed; says whether it does.

    glibc returns a tensor of a few MB to the system when it is freed, and every page of the next one faults anew: a
    tenth of a training step on a CPU. Other C libraries are left as they are.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return all(
        mallopt(option, value)
        for option, value in ((MMAP_THRESHOLD, LARGEST), (TRIM_THRESHOLD, 1 << 30), (TOP_PAD, LARGEST))
    )
