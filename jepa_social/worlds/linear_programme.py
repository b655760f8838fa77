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
    x, y, failed = _programme(planes, wanted_x * scale, wanted_y * scale, wanted_x, wanted_y, speed, toward=False)
    columns = (failed < planes.count).nonzero().squeeze(1)
    if columns.numel():
        some = planes.take(planes.count, columns)
        least = _least_violation(some, x[columns], y[columns], speed[columns], failed[columns], hard)
        x, y = x.index_copy(0, columns, least[0]), y.index_copy(0, columns, least[1])
    return x, y


def _programme(planes: HalfPlanes, x: Tensor, y: Tensor, wx: Tensor, wy: Tensor, speed: Tensor, toward: bool):
    """Add the constraints one by one from the unconstrained optimum `(x, y)`.

    `toward` maximises progress along `w` instead of nearness to it. Returns the optimum and the index `[Q]` of the
    first constraint that left nothing feasible (K where all hold); there `(x, y)` is the optimum of those before it.
    """
    count = planes.count
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
    nx, ny, offset = planes.data[-1].unbind(0)
    ax, ay = ny, -nx
    room = speed * speed - offset * offset
    high = room.clamp(min=0).sqrt()
    low = -high
    feasible = room >= 0
    if planes.count > 1:
        ox, oy, others = planes.data[:-1].unbind(1)
        turn = ox * ax + oy * ay
        need = others - offset * (ox * nx + oy * ny)
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
    for i in range(planes.count):
        columns = ((failed <= i) & (planes.slack(i, x, y) < -worst)).nonzero().squeeze(1)
        if not columns.numel():
            continue
        some = planes.take(max(i + 1, hard), columns).data
        apart = some[hard:i] - some[i]
        length = (apart[:, 0] * apart[:, 0] + apart[:, 1] * apart[:, 1]).sqrt()[:, None]
        same = length <= PARALLEL
        neutral = apart.new_tensor((0.0, 0.0, -1.0))[None, :, None]
        relative = HalfPlanes(torch.cat((some[:hard], torch.where(same, neutral, apart / length.clamp(min=PARALLEL)))))
        nx, ny, offset = some[i].unbind(0)
        top = speed[columns]
        new_x, new_y, failure = _programme(relative, nx * top, ny * top, nx, ny, top, toward=True)
        good = failure == relative.count
        new_x, new_y = torch.where(good, new_x, x[columns]), torch.where(good, new_y, y[columns])
        x, y = x.index_copy(0, columns, new_x), y.index_copy(0, columns, new_y)
        worst = worst.index_copy(0, columns, offset - (nx * new_x + ny * new_y))
    return x, y
