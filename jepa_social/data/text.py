"""Headless text rows `frame agent x y`, as the pedestrian benchmarks ship them."""

from pathlib import Path

import numpy as np

from jepa_social.data.checks import Origin, checked
from jepa_social.data.schema import Recording

WITHHELD = "?"


def existing(root: str | Path, key: str, expected: str) -> Path:
    """`root` as a path.

    Raises:
        FileNotFoundError: it does not exist; the message names the config key and what belongs there.
    """
    path = Path(root)
    if not path.exists():
        raise FileNotFoundError(f"{key}={root} does not exist: it must be {expected} (see data/README.md)")
    return path


def read_tracks(
    path: Path,
    name: str,
    seconds_per_frame: float,
    dt: float,
    max_speed: float = 15.0,
    glitches: str = "error",
    withheld: str = "error",
) -> Recording:
    """One file of pedestrians as a checked recording.

    Args:
        path: file with four blank-separated columns: frame, agent, x (m), y (m).
        name: name of the recording.
        seconds_per_frame: s between consecutive values of `frame`.
        dt: s between samples.
        max_speed: see `checked`. glitches: see `checked`.
        withheld: what to do with rows whose position reads `?`: `error`, or `cut` to leave them out.

    Raises:
        ValueError: a row that is not four numbers, or anything that `checked` refuses.
    """
    if withheld not in ("error", "cut"):
        raise ValueError(f"data.source.withheld must be `error` or `cut`, got `{withheld}`")
    table, line = [], []
    for number, text in enumerate(path.read_text().splitlines(), start=1):
        cells = text.split()
        if not cells:
            continue
        if len(cells) != 4:
            raise ValueError(f"{path}, row {number}: {len(cells)} columns instead of `frame agent x y`: repair the row")
        if WITHHELD in cells:
            if withheld == "cut":
                continue
            raise ValueError(
                f"{path}, row {number}: the position is withheld (`?`): use the benchmark's Train folder, "
                "or set data.source.withheld=cut to leave such rows out"
            )
        table.append(cells)
        line.append(number)
    if not table:
        raise ValueError(f"{path}: no row `frame agent x y` in it: remove the file or fill it")
    try:
        values = np.array(table, dtype=np.float64).reshape(-1, 4)
    except ValueError as error:
        raise ValueError(f"{path}, row {_not_numbers(table, line)}: not four numbers: repair the row") from error
    agent = values[:, 1]
    if (broken := ~np.isfinite(agent) | (agent != np.round(agent))).any():
        raise ValueError(f"{path}, row {line[int(np.argmax(broken))]}: the agent id is not an integer: repair the row")
    rows = Recording(
        name=name,
        dt=dt,
        time=values[:, 0] * seconds_per_frame,
        agent=agent.astype(np.int64),
        kind=np.zeros(len(values), np.int64),
        x=values[:, 2],
        y=values[:, 3],
    )
    return checked(rows, Origin(str(path), np.array(line, np.int64)), max_speed=max_speed, glitches=glitches)


def _not_numbers(table: list[list[str]], line: list[int]) -> int:
    for cells, number in zip(table, line, strict=True):
        try:
            [float(cell) for cell in cells]
        except ValueError:
            return number
    return 0
