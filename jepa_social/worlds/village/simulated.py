"""A reader whose logs are villages played on first use: what `data=village` trains on."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.progress import track

from jepa_social.data.logs import Logs
from jepa_social.data.schema import Recording, write_log
from jepa_social.worlds.record import to_recordings
from jepa_social.worlds.village.scenarios import VillageScenario
from jepa_social.worlds.village.village import Village

BATCH = 1000

VERSION = 1
"""Raise it with every change after which the same settings give other logs: of how villagers see, believe and act, of
scenarios, of what is recorded. Old logs are then played again on first use."""


class VillageLogs(Logs):
    """Logs of villages, kept in `folder` under a name that hashes the settings and `VERSION`.

    Args:
        folder: where the Parquet file lies or will lie.
        val, test: see `Logs`.
        scenarios: assigned round-robin by seed.
        episodes: how many; their seeds are `seed`, `seed + 1`, …
        seed: first seed, >= 0.
        frames: of every recording, the start included.
        beta, notice, half_angle: see `Village`.

    Raises:
        ValueError: `episodes` or `frames` is not positive.
    """

    def __init__(
        self,
        folder: str | Path,
        scenarios: Sequence[VillageScenario],
        val: float | Sequence[str] = 0.1,
        test: float | Sequence[str] = 0.1,
        episodes: int = 1000,
        seed: int = 0,
        frames: int = 24,
        beta: float = 1.0,
        notice: float = 0.8,
        half_angle: float = 80.0,
    ):
        if episodes < 1 or frames < 2:
            raise ValueError(f"data.source: need episodes >= 1 and frames >= 2, got {episodes} and {frames}")
        settings: dict[str, Any] = {
            "version": VERSION,
            "scenarios": [repr(scenario) for scenario in scenarios],
            "episodes": episodes,
            "seed": seed,
            "frames": frames,
            "beta": beta,
            "notice": notice,
            "half_angle": half_angle,
        }
        digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=6).hexdigest()
        path = Path(folder) / f"village-{digest}.parquet"
        if not path.is_file():
            village = Village(scenarios, beta, notice, half_angle, limit=frames, observed=1)
            made: list[Recording] = []
            for first in track(range(seed, seed + episodes, BATCH), description=f"playing {episodes} villages"):
                made += play(village, range(first, min(first + BATCH, seed + episodes)), frames)
            write_log(path, made, source=f"jepa_social village, {json.dumps(settings, sort_keys=True)}")
        super().__init__(str(path), val, test)


def play(village: Village, seeds: Sequence[int], frames: int) -> list[Recording]:
    """Recordings of `frames` frames, in which everybody acts by itself."""
    village.reset(seeds)
    for _ in range(frames - 1):
        village.step()
    return to_recordings(village.history(), village.names())
