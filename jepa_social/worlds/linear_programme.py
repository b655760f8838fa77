"""Exact two-dimensional linear programmes, many at once: the solver inside ORCA.

RVO2 adds constraints one by one (de Berg et al., *Computational Geometry*, 2008, ch. 4). Here all boundaries on which
the optimum can lie are tried at once, which takes a few wide operations for Q independent programmes. A constraint is
the half-plane `normal . v >= offset`; K of them are kept constraint-first (`[K,Q]`). A constraint with a zero normal
and a negative offset is neutral: that is how padding is written.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

CHUNK = 32768
"""Constraints of candidates worked on at once: as many as stay in a core's cache."""

PARALLEL = 1e-5
"""Sine of the angle below which two boundaries count as parallel (RVO2's epsilon)."""


@dataclass
class HalfPlanes:
    """Constraints `x v_x + y v_y >= offset` as one tensor `[K,3,Q]`: x, y (unit normal, zero where neutral), offset."""

    data: Tensor

    @classmethod
    def of(cls, x: Tensor, y: Tensor, offset: Tensor) -> "HalfPlanes":
        """From normals and offsets, `[K,Q]` each."""
        return cls(torch.stack((x, y, offset), dim=1))

    @property
    def count(self) -> int:
        """K."""
        return self.data.shape[0]

    def take(self, stop: int, columns: Tensor) -> "HalfPlanes":
        """The first `stop` constraints of the programmes `columns`."""
        return HalfPlanes(self.data[:stop].index_select(2, columns))


def closest_velocity(planes: HalfPlanes, wanted_x: Tensor, wanted_y: Tensor, speed: Tensor, hard: int = 0):
    """Velocity of the disc `|v| <= speed` that satisfies `planes` and lies nearest to the wanted one.

    Where no velocity satisfies all of them, the greatest violation of the soft ones is made as small as possible while
    the first `hard` constraints still hold (RVO2's three-dimensional programme).

    Args:
        planes: K constraints of Q programmes.
        wanted_x, wanted_y: `[Q]` m/s.
        speed: `[Q]` m/s, greatest speed.
        hard: how many leading constraints are never traded away.

    Returns:
        `(x, y)`, each `[Q]`.
    """
    start_x, start_y = _cut(wanted_x, wanted_y, speed)
    x, y, failed = _programme(planes, start_x, start_y, wanted_x, wanted_y, speed, toward=False)
    if failed.numel():
        some = planes.take(planes.count, failed)
        least = _least_violation(
            some, start_x[failed], start_y[failed], wanted_x[failed], wanted_y[failed], speed[failed], hard
        )
        x, y = x.index_copy(0, failed, least[0]), y.index_copy(0, failed, least[1])
    return x, y


def _cut(x: Tensor, y: Tensor, speed: Tensor) -> tuple[Tensor, Tensor]:
    scale = (speed / (x * x + y * y).sqrt().clamp(min=1e-12)).clamp(max=1.0)
    return x * scale, y * scale


def _programme(planes: HalfPlanes, x: Tensor, y: Tensor, wx: Tensor, wy: Tensor, speed: Tensor, toward: bool):
    """From the optimum `(x, y)` in the disc alone, that under all constraints, and the programmes that have none.

    The optimum lies on the boundary of a constraint that `(x, y)` violates: if `(x, y)` satisfied all constraints that
    hold tightly there, one could move from there towards `(x, y)` and only gain. So every violated constraint gives one
    candidate, and the best is taken. `toward` maximises progress along `w` instead of nearness to it. Programmes
    without a feasible candidate keep `(x, y)`.
    """
    nx, ny, offset = planes.data.unbind(1)
    line, column = (nx * x + ny * y < offset).nonzero().unbind(1)
    if not column.numel():
        return x, y, column
    some_wx, some_wy = wx[column], wy[column]
    parts = (value.split(max(1, CHUNK // planes.count)) for value in (line, column, some_wx, some_wy, speed[column]))
    solved = [
        _on_boundary(planes, *part, toward)  # pyright: ignore[reportCallIssue]
        for part in zip(*parts, strict=True)
    ]
    new_x, new_y, feasible = (torch.cat(part) for part in zip(*solved, strict=True))
    off_x, off_y = new_x - some_wx, new_y - some_wy
    cost = -(new_x * some_wx + new_y * some_wy) if toward else off_x * off_x + off_y * off_y
    x, y, solved = _better(x, y, column, new_x, new_y, torch.where(feasible, cost, torch.inf))
    failed = torch.zeros_like(x, dtype=torch.bool).index_fill(0, column, True) & ~solved
    return x, y, failed.nonzero().squeeze(1)


def _better(x: Tensor, y: Tensor, column: Tensor, new_x: Tensor, new_y: Tensor, cost: Tensor):
    """`(x, y)` with the cheapest candidate of each programme in place, and for which there was one of finite cost."""
    least = torch.full_like(x, torch.inf).scatter_reduce(0, column, cost, "amin")
    best = ((cost == least[column]) & cost.isfinite()).nonzero().squeeze(1)
    at = column[best]
    return x.index_copy(0, at, new_x[best]), y.index_copy(0, at, new_y[best]), least.isfinite()


def _on_boundary(planes: HalfPlanes, line: Tensor, column: Tensor, wx: Tensor, wy: Tensor, speed: Tensor, toward: bool):
    """Optima on the boundaries of constraints `line [M]` of programmes `column [M]` under all others and the disc.

    The boundary is `offset * normal + t * along`, so the disc allows `|t| <= sqrt(speed^2 - offset^2)`.
    """
    some = planes.data.index_select(2, column)
    candidates = torch.arange(len(line), device=line.device)
    nx, ny, offset = some[line, :, candidates].unbind(1)
    some[line, 2, candidates] = -torch.inf  # one's own boundary does not bind
    ax, ay = ny, -nx
    room = speed * speed - offset * offset
    high = room.clamp(min=0).sqrt()
    ox, oy, others = some.unbind(1)
    turn = ox * ax + oy * ay
    need = others - offset * (ox * nx + oy * ny)
    rising, falling = turn > PARALLEL, turn < -PARALLEL
    cut = need / turn
    low = torch.maximum(-high, cut.masked_fill(~rising, -torch.inf).amax(0))
    high = torch.minimum(high, cut.masked_fill_(~falling, torch.inf).amin(0))
    feasible = (room >= 0) & (low <= high) & ~((need > 0) & ~rising & ~falling).any(0)
    along = ax * wx + ay * wy
    t = torch.where(along > 0, high, low) if toward else torch.minimum(torch.maximum(along, low), high)
    return offset * nx + t * ax, offset * ny + t * ay, feasible


def _least_violation(planes: HalfPlanes, x: Tensor, y: Tensor, wx: Tensor, wy: Tensor, speed: Tensor, hard: int):
    """Least greatest violation of the soft constraints: what RVO2's `linearProgram3` finds.

    "j is violated less than i" is itself the half-plane `(n_j - n_i) . v >= o_j - o_i`, so that every i gives one
    programme. As in `_programme` only those i are tried that `(x, y)` violates, once the hard constraints hold there,
    or as many of the first of them as hold together.
    """
    wedged = torch.zeros_like(x, dtype=torch.bool)
    for stop in range(1, hard + 1):
        first = HalfPlanes(planes.data[:stop])
        new_x, new_y, failed = _programme(first, *_cut(wx, wy, speed), wx, wy, speed, toward=False)
        wedged = wedged.index_fill(0, failed, True)
        x, y = torch.where(wedged, x, new_x), torch.where(wedged, y, new_y)
    soft = planes.data[hard:]
    line, column = (soft[:, 0] * x + soft[:, 1] * y < soft[:, 2]).nonzero().unbind(1)
    some = planes.data.index_select(2, column)
    worst = some[hard + line, :, torch.arange(len(line), device=line.device)].T
    apart = some[hard:] - worst
    length = (apart[:, 0] * apart[:, 0] + apart[:, 1] * apart[:, 1]).sqrt()[:, None]
    neutral = apart.new_tensor((0.0, 0.0, -1.0))[None, :, None]
    apart = torch.where(length <= PARALLEL, neutral, apart / length.clamp(min=PARALLEL))
    relative = HalfPlanes(torch.cat((some[:hard], apart)))
    nx, ny, offset = worst.unbind(0)
    top = speed[column]
    new_x, new_y, failed = _programme(relative, nx * top, ny * top, nx, ny, top, toward=True)
    violation = (offset - (nx * new_x + ny * new_y)).index_fill(0, failed, torch.inf)
    return _better(x, y, column, new_x, new_y, violation)[:2]
