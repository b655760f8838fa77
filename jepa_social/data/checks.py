"""What a log must satisfy before anything learns from it: errors that name file, row and remedy."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from jepa_social.data.schema import OPTIONAL, Recording
from jepa_social.inputs import FARTHEST


@dataclass(frozen=True)
class Origin:
    """Where the rows of a recording came from.

    Attributes:
        path: the file.
        line: `[R]` 1-based line (text) or row (Parquet) of each row in that file.
    """

    path: str
    line: np.ndarray

    def at(self, row: int) -> str:
        """`file, row n`."""
        return f"{self.path}, row {int(self.line[row])}"


def require_columns(have: Iterable[str], need: Iterable[str], path: object) -> None:
    """Raise a `ValueError` that names the columns of `need` that are not in `have`, or are there several times."""
    have, need = list(have), list(need)
    if lacking := [name for name in need if name not in have]:
        apart = ", or what its cells are apart by (data.source.separator)" if len(have) == 1 else ""
        raise ValueError(
            f"{path}, row 1: no column {', '.join(f'`{n}`' for n in lacking)}; it has {have}: "
            f"name the right column in the reader's settings{apart}"
        )
    if twice := [name for name in need if have.count(name) > 1]:
        raise ValueError(f"{path}, row 1: several columns are called `{twice[0]}`: give each a name of its own")


def checked(
    rows: Recording, origin: Origin, max_speed: float = 15.0, glitches: str = "error", in_order: bool = True
) -> Recording:
    """Check a recording whose rows are still in file order, and sort them by (time, agent).

    Args:
        rows: rows as they lie in the file.
        origin: file and line of each row.
        max_speed: m/s; a faster displacement is a teleport.
        glitches: `error` refuses a teleport; `split` cuts the track there and gives the rest a new agent id.
        in_order: the format lists each agent's rows in time order, so a step back in time is a fault.

    Raises:
        ValueError: non-finite time or position, infinite motion or size, coordinates too far out for 32-bit floats, a
            repeated (agent, time), time that runs backwards, agents sampled at different rates, or a teleport that
            `glitches` does not allow.
    """
    if glitches not in ("error", "split"):
        raise ValueError(f"glitches must be `error` or `split`, got `{glitches}`")
    for name in ("time", "x", "y"):
        column = getattr(rows, name)
        if not (finite := np.isfinite(column)).all():
            raise ValueError(f"{origin.at(int(np.argmin(finite)))}: `{name}` is not a finite number: drop or repair it")
    if (far := np.maximum(abs(rows.x), abs(rows.y)) > FARTHEST).any():
        raise ValueError(
            f"{origin.at(int(np.argmax(far)))}: more than {FARTHEST:g} m from the origin: subtract a local origin "
            "(of a table: data.source.origin=[x,y]), or set data.source.scale if the unit is not metres"
        )
    for name in OPTIONAL:
        if (column := getattr(rows, name)) is not None and (endless := np.isinf(column)).any():
            raise ValueError(f"{origin.at(int(np.argmax(endless)))}: `{name}` is infinite: repair or empty the cell")
    order = np.argsort(rows.agent, kind="stable") if in_order else np.lexsort((rows.time, rows.agent))
    agent, time = rows.agent[order], rows.time[order]
    same, step = agent[1:] == agent[:-1], np.diff(time)
    if (back := same & (step < 0)).any():
        row = int(order[1:][back].min())
        raise ValueError(
            f"{origin.at(row)}: agent {rows.agent[row]} steps back in time to {rows.time[row]:g} s: sort the file by "
            "time and see that no id is used twice (data.source.in_order=false where the order of rows means nothing)"
        )
    if (double := same & (step == 0)).any():
        here = int(np.argmax(double))
        first, second = sorted((int(order[here]), int(order[here + 1])))
        raise ValueError(
            f"{origin.at(second)}: agent {rows.agent[second]} at {rows.time[second]:g} s is already in row "
            f"{int(origin.line[first])}: drop one of them"
        )
    _one_rate(rows, origin, order, same, step)
    return _no_teleports(rows, origin, order, same, step, max_speed, glitches).ordered()


def _one_rate(rows: Recording, origin: Origin, order: np.ndarray, same: np.ndarray, step: np.ndarray) -> None:
    """Every agent's median step must be the recording's, where it has at least five steps to tell."""
    if not same.any():
        return
    first = np.flatnonzero(np.concatenate(([True], ~same)))
    track = np.cumsum(np.concatenate(([True], ~same)))[1:][same] - 1
    ranked = np.lexsort((step[same], track))
    count = np.bincount(track, minlength=len(first))
    begin = np.cumsum(count) - count
    known = np.flatnonzero(count >= 5)
    median = step[same][ranked][begin[known] + count[known] // 2]
    odd = (median > 1.4 * rows.dt) | (median < rows.dt / 1.4)
    if odd.any():
        row = int(order[first[known[np.argmax(odd)]]])
        raise ValueError(
            f"{origin.at(row)}: agent {rows.agent[row]} is sampled every {median[np.argmax(odd)]:.3g} s, the recording "
            f"every {rows.dt:.3g} s: mixed rates; put each rate into a recording of its own (all are resampled to one)"
        )


def _no_teleports(
    rows: Recording, origin: Origin, order: np.ndarray, same: np.ndarray, step: np.ndarray, limit: float, glitches: str
) -> Recording:
    jump = np.hypot(np.diff(rows.x[order]), np.diff(rows.y[order]))
    fast = same & (jump > limit * step)
    if not fast.any():
        return rows
    if glitches == "error":
        where = int(np.argmax(fast))
        row = int(order[where + 1])
        raise ValueError(
            f"{origin.at(row)}: agent {rows.agent[row]} jumps {jump[where]:.3g} m in {step[where]:.3g} s "
            f"({jump[where] / step[where]:.3g} m/s): raise data.source.max_speed (now {limit:g}) if that is real, "
            "or set data.source.glitches=split to cut the track there; if the units are not s and m, see that "
            "data.source.rate and data.source.scale say so"
        )
    cuts = np.concatenate(([0], np.cumsum(fast)))
    at_start = np.concatenate(([True], ~same))
    base = np.maximum.accumulate(np.where(at_start, cuts, 0))
    agent = rows.agent.copy()
    agent[order] = np.where(cuts > base, rows.agent.max() + cuts, rows.agent[order])
    return replace(rows, agent=agent)
