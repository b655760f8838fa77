"""Windows of one split as memory-mapped arrays on disk, built once per (source, settings).

The folder is named by a hash of what went in, written under a temporary name and renamed when complete: a change makes
a new folder, a half-built one is never seen, and of two processes that build the same the first to finish wins.
Rows are stored once, however many windows share them (20 times fewer than windows of 20 samples at stride 1).
"""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress

from jepa_social.data.schema import Recording
from jepa_social.data.source import Source
from jepa_social.data.windows import Windowing, Windows, cut

VERSION = 1
MANIFEST = "manifest.json"


def ensure(source: Source, split: str, windowing: Windowing, cache_dir: str | os.PathLike) -> Path | None:
    """The folder with the windows of `split`, built first if there is none for these files and settings.

    Returns None where the source has no recordings for the split.

    Raises:
        ValueError: there are recordings, but none holds a window.
    """
    key = fingerprint(source, split, windowing)
    text = json.dumps(key, sort_keys=True, default=str)
    target = Path(cache_dir) / f"{split}-{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"
    if (target / MANIFEST).is_file():
        return target
    recordings = source.recordings(split)
    if not recordings:
        return None
    draft = target.with_name(f".{target.name}-{secrets.token_hex(6)}")
    draft.mkdir(parents=True)
    try:
        _write(draft, recordings, windowing, key)
        try:
            draft.rename(target)
        except OSError:
            if not (target / MANIFEST).is_file():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def fingerprint(source: Source, split: str, windowing: Windowing) -> dict:
    """What the cache depends on: its version, settings, and size and time of change of every source file."""
    about = source.describe()
    stats = [(path, os.stat(path)) for path in about["files"]]
    files = {path: [stat.st_size, stat.st_mtime_ns] for path, stat in stats}
    return {"version": VERSION, "split": split, "source": about, "files": files, "windowing": asdict(windowing)}


def _write(folder: Path, recordings: list[Recording], windowing: Windowing, key: dict) -> None:
    parts, origin = [], []
    with Progress(transient=True, disable=not Console().is_terminal) as progress:
        for recording in progress.track(recordings, description="Cutting windows"):
            if (windows := cut(recording, windowing)) is not None:
                parts.append(windows)
                origin.append(recording)
    if not parts:
        raise ValueError(
            f"no window of {windowing.length} samples at {windowing.dt:g} s with {windowing.min_agents} agents in all "
            f"of them in {len(recordings)} recordings of {key['split']} ({recordings[0].name}, ...): lower "
            "data.module.observed, future, min_agents or eval_min_agents, see whether data.dt fits the logs, or give "
            "this split more of them"
        )
    for name, array in _join(parts, origin).items():
        np.save(folder / f"{name}.npy", array)
    names = [recording.name for recording in origin]
    (folder / MANIFEST).write_text(json.dumps({**key, "recordings": names}, indent=1, default=str))


def _join(parts: list[Windows], origin: list[Recording]) -> dict[str, np.ndarray]:
    """Concatenate the recordings' windows, with rows and tracks counted through."""
    row = _before(len(part.position) for part in parts)
    track = _before(len(part.agent) for part in parts)
    arrays = {
        name: np.concatenate([getattr(p, name) for p in parts]) for name in ("position", "agent", "kind", "radius")
    }
    for name in ("first", "end", "pair_row"):
        arrays[name] = np.concatenate([getattr(part, name) + shift for part, shift in zip(parts, row, strict=True)])
    pairs = [part.pair_track + shift for part, shift in zip(parts, track, strict=True)]
    arrays["pair_track"] = np.concatenate(pairs).astype(np.int32)
    arrays["offset"] = np.concatenate(([0], np.cumsum(np.concatenate([part.count for part in parts]))))
    arrays["start"] = np.concatenate([part.start for part in parts])
    arrays["recording"] = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part.count) for part in parts])
    for name, width in (("velocity", (2,)), ("heading", ())):
        if any(getattr(part, name) is not None for part in parts):
            arrays[name] = np.concatenate(
                [_or_nan(getattr(part, name), (len(part.position), *width)) for part in parts]
            )
    for name in parts[0].truth:
        arrays[f"truth_{name}"] = np.concatenate([part.truth[name] for part in parts])
    if any(recording.walls is not None and len(recording.walls) for recording in origin):
        walls = [np.zeros((0, 4)) if recording.walls is None else recording.walls for recording in origin]
        arrays["walls"] = np.concatenate(walls).astype(np.float32)
        arrays["wall_offset"] = np.concatenate(([0], np.cumsum([len(segments) for segments in walls])))
    return arrays


def _before(lengths: Iterable[int]) -> np.ndarray:
    counts = np.fromiter(lengths, np.int64)
    return np.cumsum(counts) - counts


def _or_nan(array: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, np.nan, np.float32) if array is None else array
