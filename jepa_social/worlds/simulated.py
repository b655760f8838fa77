"""A reader whose logs are simulated on first use: what `data=simulated` trains on."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from jepa_social.data.logs import Logs
from jepa_social.data.schema import write_log
from jepa_social.worlds.branches import Branching
from jepa_social.worlds.people import Population
from jepa_social.worlds.scenarios import TRAINED, Scenario
from jepa_social.worlds.simulate import simulate

VERSION = 1
"""Raise it with every change after which the same settings give other logs: of how people walk, of scenarios, of what
is recorded. Old logs are then made again on first use."""


class SimulatedLogs(Logs):
    """Logs of a simulated crowd, kept in `folder` under a name that hashes the settings and `VERSION`.

    Args:
        folder: where the Parquet file lies or will lie.
        val, test: see `Logs`.
        scenarios, episodes, seed, people, population, visible, dt, seconds, ego_speed, branching: see `simulate`.
            An episode and its branches fall into the same split.
    """

    def __init__(
        self,
        folder: str | Path,
        val: float | Sequence[str] = 0.1,
        test: float | Sequence[str] = 0.1,
        scenarios: Sequence[Scenario] = TRAINED,
        episodes: int = 1000,
        seed: int = 0,
        people: tuple[int, int] = (2, 10),
        population: Population | None = None,
        visible: bool = False,
        dt: float = 0.25,
        seconds: float = 15.0,
        ego_speed: float = 1.2,
        branching: Branching | None = None,
    ):
        population = population or Population()
        settings: dict[str, Any] = {
            "version": VERSION,
            "scenarios": [repr(scenario) for scenario in scenarios],
            "episodes": episodes,
            "seed": seed,
            "people": list(people),
            "population": repr(population),
            "visible": visible,
            "dt": dt,
            "seconds": seconds,
            "ego_speed": ego_speed,
        } | ({} if branching is None else {"branching": repr(branching)})
        digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=6).hexdigest()
        path = Path(folder) / f"crowd-{digest}.parquet"
        if not path.is_file():
            Console().print(f"simulating {episodes} episodes into {path}")
            low, high = people
            made = simulate(
                scenarios,
                episodes,
                seed,
                (low, high),
                population,
                visible,
                dt=dt,
                seconds=seconds,
                ego_speed=ego_speed,
                branching=branching,
            )
            write_log(path, made, source=f"jepa_social crowd simulator, {json.dumps(settings, sort_keys=True)}")
        super().__init__(str(path), val, test)
