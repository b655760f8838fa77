"""Exact two-dimensional linear programmes, many at once: the solver inside ORCA.

RVO2 adds constraints one by one (de Berg et al., *Computational Geometry*, 2008, ch. 4). Here all boundaries on which
the optimum can lie are tried at once, which takes a few wide operations for Q independent programmes. A constraint is the half-plane `normal . v >= offset`; K of them are kept constraint-first
(`[K,Q]`), so that "all constraints before the i-th" is a contiguous slice. A constraint with a zero normal and a
negative offset is neutral: that is how padding is written.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

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

    def slack(self, i: int, vx: Tensor, vy: Tensor) -> Tensor:
        """Signed distance `[Q]` by which `v` satisfies constraint `i` (negative: violated)."""
        x, y, offset = self.data[i].unbind(0)
        return x * vx + y * vy - offset

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
    scale = (speed / (wanted_x * wanted_x + wanted_y * wanted_y).sqrt().clamp(min=1e-12)).clamp(max=1.0)
    start_x, start_y = wanted_x * scale, wanted_y * scale
    x, y, failed = _programme(planes, start_x, start_y, wanted_x, wanted_y, speed, toward=False)
    if failed.numel():
        some = planes.take(planes.count, failed)
        least = _least_violation(
            some, start_x[failed], start_y[failed], wanted_x[failed], wanted_y[failed], speed[failed], hard
        )
        x, y = x.index_copy(0, failed, least[0]), y.index_copy(0, failed, least[1])
    return x, y


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
    new_x, new_y, feasible = _on_boundary(planes, line, column, some_wx, some_wy, speed[column], toward)
    if toward:
        cost = -(new_x * some_wx + new_y * some_wy)
    else:
        cost = (new_x - some_wx).square() + (new_y - some_wy).square()
    cost = torch.where(feasible, cost, torch.inf)
    least = torch.full_like(x, torch.inf).scatter_reduce(0, column, cost, "amin")
    best = ((cost == least[column]) & feasible).nonzero().squeeze(1)
    at = column[best]
    failed = torch.zeros_like(x, dtype=torch.bool).index_fill(0, column, True) & least.isinf()
    return x.index_copy(0, at, new_x[best]), y.index_copy(0, at, new_y[best]), failed.nonzero().squeeze(1)


def _on_boundary(
    planes: HalfPlanes, line: Tensor, column: Tensor, wx: Tensor, wy: Tensor, speed: Tensor, toward: bool
):
    """Optima on the boundaries of constraints `line [M]` of programmes `column [M]`, subject to all others and the disc.

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
    parallel = turn.abs() <= PARALLEL
    cut = need / torch.where(parallel, 1.0, turn)
    low = torch.maximum(-high, torch.where(~parallel & (turn > 0), cut, -torch.inf).amax(0))
    high = torch.minimum(high, torch.where(~parallel & (turn < 0), cut, torch.inf).amin(0))
    feasible = (room >= 0) & (low <= high) & ~(parallel & (need > 0)).any(0)
    along = ax * wx + ay * wy
    t = torch.where(along > 0, high, low) if toward else torch.minimum(torch.maximum(along, low), high)
    return offset * nx + t * ax, offset * ny + t * ay, feasible


def _least_violation(planes: HalfPlanes, x: Tensor, y: Tensor, wx: Tensor, wy: Tensor, speed: Tensor, hard: int):
    """Least greatest violation of the soft constraints (RVO2 `linearProgram3`), added one by one.

    "j is violated less than i" is itself the half-plane `(n_j - n_i) . v >= o_j - o_i`. It starts from the optimum under
    the hard constraints alone, or under as many of the first as hold together.
    """
    wedged = torch.zeros_like(x, dtype=torch.bool)
    for stop in range(1, hard + 1):
        first = HalfPlanes(planes.data[:stop])
        scale = (speed / (wx * wx + wy * wy).sqrt().clamp(min=1e-12)).clamp(max=1.0)
        new_x, new_y, failed = _programme(first, wx * scale, wy * scale, wx, wy, speed, toward=False)
        wedged = wedged.index_fill(0, failed, True)
        x, y = torch.where(wedged, x, new_x), torch.where(wedged, y, new_y)
    worst = torch.zeros_like(x)
    for i in range(hard, planes.count):
        columns = (planes.slack(i, x, y) < -worst).nonzero().squeeze(1)
        if not columns.numel():
            continue
        some = planes.take(i + 1, columns).data
        apart = some[hard:i] - some[i]
        length = (apart[:, 0] * apart[:, 0] + apart[:, 1] * apart[:, 1]).sqrt()[:, None]
        same = length <= PARALLEL
        neutral = apart.new_tensor((0.0, 0.0, -1.0))[None, :, None]
        relative = HalfPlanes(torch.cat((some[:hard], torch.where(same, neutral, apart / length.clamp(min=PARALLEL)))))
        nx, ny, offset = some[i].unbind(0)
        top = speed[columns]
        new_x, new_y, failed = _programme(relative, nx * top, ny * top, nx, ny, top, toward=True)
        new_x, new_y = (
            new.index_copy(0, failed, old[columns[failed]]) for new, old in ((new_x, x), (new_y, y))
        )
        x, y = x.index_copy(0, columns, new_x), y.index_copy(0, columns, new_y)
        worst = worst.index_copy(0, columns, offset - (nx * new_x + ny * new_y))
    return x, y
