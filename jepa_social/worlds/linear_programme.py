"""Exact two-dimensional linear programmes, many at once: the solver inside ORCA.

The incremental algorithm of de Berg et al., *Computational Geometry* (2008), ch. 4, as RVO2 uses it, batched over Q
independent programmes. A constraint is the half-plane `normal . v >= offset`; K of them are kept constraint-first
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
    """Constraints `x v_x + y v_y >= offset`, each `[K,Q]`, with unit normals (zero where neutral)."""

    x: Tensor
    y: Tensor
    offset: Tensor

    def slack(self, i: int, vx: Tensor, vy: Tensor) -> Tensor:
        """Signed distance `[Q]` by which `v` satisfies constraint `i` (negative: violated)."""
        return self.x[i] * vx + self.y[i] * vy - self.offset[i]

    def take(self, stop: int, columns: Tensor) -> "HalfPlanes":
        """The first `stop` constraints of the programmes `columns`."""
        return HalfPlanes(self.x[:stop, columns], self.y[:stop, columns], self.offset[:stop, columns])


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
    x, y, failed = _programme(planes, wanted_x * scale, wanted_y * scale, wanted_x, wanted_y, speed, toward=False)
    columns = (failed < planes.offset.shape[0]).nonzero().squeeze(1)
    if columns.numel():
        some = planes.take(planes.offset.shape[0], columns)
        least = _least_violation(some, x[columns], y[columns], speed[columns], failed[columns], hard)
        x, y = x.index_copy(0, columns, least[0]), y.index_copy(0, columns, least[1])
    return x, y


def _programme(planes: HalfPlanes, x: Tensor, y: Tensor, wx: Tensor, wy: Tensor, speed: Tensor, toward: bool):
    """Add the constraints one by one from the unconstrained optimum `(x, y)`.

    `toward` maximises progress along `w` instead of nearness to it. Returns the optimum and the index `[Q]` of the
    first constraint that left nothing feasible (K where all hold); there `(x, y)` is the optimum of those before it.
    """
    count = planes.offset.shape[0]
    failed = torch.full(x.shape, count, device=x.device)
    for i in range(count):
        columns = ((planes.slack(i, x, y) < 0) & (failed == count)).nonzero().squeeze(1)
        if not columns.numel():
            continue
        new_x, new_y, feasible = _on_boundary(
            planes.take(i + 1, columns), wx[columns], wy[columns], speed[columns], toward
        )
        kept = columns[feasible]
        x, y = x.index_copy(0, kept, new_x[feasible]), y.index_copy(0, kept, new_y[feasible])
        failed[columns[~feasible]] = i
    return x, y, failed


def _on_boundary(planes: HalfPlanes, wx: Tensor, wy: Tensor, speed: Tensor, toward: bool):
    """Optimum on the boundary of the *last* constraint, subject to the others and to the speed disc.

    The boundary is `offset * normal + t * along`, so the disc allows `|t| <= sqrt(speed^2 - offset^2)`.
    """
    nx, ny, offset = planes.x[-1], planes.y[-1], planes.offset[-1]
    ax, ay = ny, -nx
    room = speed * speed - offset * offset
    high = room.clamp(min=0).sqrt()
    low = -high
    feasible = room >= 0
    if planes.offset.shape[0] > 1:
        ox, oy = planes.x[:-1], planes.y[:-1]
        turn = ox * ax + oy * ay
        need = planes.offset[:-1] - offset * (ox * nx + oy * ny)
        parallel = turn.abs() <= PARALLEL
        cut = need / torch.where(parallel, 1.0, turn)
        low = torch.maximum(low, torch.where(~parallel & (turn > 0), cut, -torch.inf).amax(0))
        high = torch.minimum(high, torch.where(~parallel & (turn < 0), cut, torch.inf).amin(0))
        feasible = feasible & (low <= high) & ~(parallel & (need > 0)).any(0)
    along = ax * wx + ay * wy
    t = torch.where(along > 0, high, low) if toward else torch.minimum(torch.maximum(along, low), high)
    return offset * nx + t * ax, offset * ny + t * ay, feasible


def _least_violation(planes: HalfPlanes, x: Tensor, y: Tensor, speed: Tensor, failed: Tensor, hard: int):
    """Least greatest violation of the soft constraints, from the first that failed on (RVO2 `linearProgram3`).

    "j is violated less than i" is itself the half-plane `(n_j - n_i) . v >= o_j - o_i`.
    """
    worst = torch.zeros_like(x)
    for i in range(planes.offset.shape[0]):
        columns = ((failed <= i) & (planes.slack(i, x, y) < -worst)).nonzero().squeeze(1)
        if not columns.numel():
            continue
        some = planes.take(i + 1, columns)
        dx, dy = some.x[hard:i] - some.x[i], some.y[hard:i] - some.y[i]
        length = (dx * dx + dy * dy).sqrt()
        same = length <= PARALLEL
        scale = torch.where(same, 0.0, 1.0 / length.clamp(min=PARALLEL))
        offset = torch.where(same, -1.0, (some.offset[hard:i] - some.offset[i]) * scale)
        fixed = planes.take(hard, columns)
        relative = HalfPlanes(
            torch.cat((fixed.x, dx * scale)), torch.cat((fixed.y, dy * scale)), torch.cat((fixed.offset, offset))
        )
        nx, ny, top = some.x[i], some.y[i], speed[columns]
        new_x, new_y, failure = _programme(relative, nx * top, ny * top, nx, ny, top, toward=True)
        good = failure == relative.offset.shape[0]
        new_x, new_y = torch.where(good, new_x, x[columns]), torch.where(good, new_y, y[columns])
        x, y = x.index_copy(0, columns, new_x), y.index_copy(0, columns, new_y)
        worst = worst.index_copy(0, columns, some.offset[i] - (nx * new_x + ny * new_y))
    return x, y
