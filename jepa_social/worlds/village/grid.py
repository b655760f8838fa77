"""Geometry of a grid: shortest ways, what can be seen from where, and softmax-rational steps.

Cells are `(x, y)` integers; a cell is 1 m wide and its centre lies at `(x, y)` m. Maps are indexed `[..., x, y]`.
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepa_social.scene import FAR

MOVES = torch.tensor([[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1]])
"""What an agent can do: stay, or step to one of four neighbours."""
STAY = 0
UNREACHED = 1.0e4
"""Distance of what no way leads to."""
SAMPLES = 4
"""Points per cell at which a line of sight is checked for walls."""


def distances(walls: Bool[Tensor, "E X Y"], target: Int[Tensor, "E M 2"]) -> Float[Tensor, "E M X Y"]:
    """Steps from every cell to each target round the walls: value iteration of unit costs, all scenes at once."""
    e, m = target.shape[:2]
    x, y = walls.shape[1:]
    if not bool(walls.any()):
        across = (torch.arange(x, device=walls.device) - target[..., :1]).abs()
        along = (torch.arange(y, device=walls.device) - target[..., 1:]).abs()
        return (across[..., None] + along[..., None, :]).float()
    away = torch.full((e, m, x, y), UNREACHED, device=walls.device)
    rows, columns = torch.arange(e)[:, None], torch.arange(m)[None]
    away[rows, columns, target[..., 0], target[..., 1]] = 0.0
    blocked = walls[:, None].expand_as(away)
    for _ in range(x * y):
        padded = torch.nn.functional.pad(away, (1, 1, 1, 1), value=UNREACHED)
        around = torch.stack(
            (padded[..., 2:, 1:-1], padded[..., :-2, 1:-1], padded[..., 1:-1, 2:], padded[..., 1:-1, :-2])
        )
        new = torch.minimum(away, around.amin(0) + 1.0).masked_fill(blocked, UNREACHED).clamp(max=UNREACHED)
        if torch.equal(new, away):
            break
        away = new
    return away


def destinations(walls: Bool[Tensor, "E X Y"], cell: Int[Tensor, "E N 2"]) -> Int[Tensor, "E N A 2"]:
    """Where each of `MOVES` leads; walls and the edge send one back to where one stood."""
    size = torch.tensor(walls.shape[1:], device=cell.device)
    wanted = cell[:, :, None] + MOVES.to(cell.device)
    inside = ((wanted >= 0) & (wanted < size)).all(-1)
    kept = wanted.clamp(min=0).minimum(size - 1)
    free = inside & ~walls[torch.arange(len(cell))[:, None, None], kept[..., 0], kept[..., 1]]
    return torch.where(free[..., None], kept, cell[:, :, None].expand_as(kept))


def at(maps: Float[Tensor, "E M X Y"], cell: Int[Tensor, "E K 2"]) -> Float[Tensor, "E M K"]:
    """Values of M maps at K cells of each scene."""
    return maps[torch.arange(len(maps))[:, None], :, cell[..., 0], cell[..., 1]].transpose(1, 2)


def step_log_odds(
    away: Float[Tensor, "E M X Y"], walls: Bool[Tensor, "E X Y"], cell: Int[Tensor, "E N 2"], beta: float
) -> Float[Tensor, "E M N A"]:
    """Log-probability of each of `MOVES` of an agent at `cell` who goes for target m.

    Softmax-rational (Baker et al. 2017): p(a) ~ exp(-beta * d(next cell, target)), over the four steps; who has arrived
    stays.
    """
    there = destinations(walls, cell)
    ways = at(away, there.flatten(1, 2)).unflatten(2, there.shape[1:3])
    logits = -beta * ways
    logits[..., STAY] = -torch.inf
    arrived = (ways[..., STAY] == 0)[..., None]
    stay = torch.full_like(logits, -torch.inf)
    stay[..., STAY] = 0.0
    return torch.where(arrived, stay, logits.log_softmax(-1))


def sees(
    walls: Bool[Tensor, "E X Y"],
    cell: Int[Tensor, "E N 2"],
    facing: Int[Tensor, "E N 2"],
    target: Int[Tensor, "E M 2"],
    half_angle: float,
) -> Bool[Tensor, "E N M"]:
    """Who sees which cell: within `half_angle` (degrees) of where it faces, and no wall cell on the straight line.

    One's own cell is always seen.
    """
    offset = (target[:, None] - cell[:, :, None]).float()
    length = offset.norm(dim=-1)
    ahead = (offset * facing[:, :, None]).sum(-1)
    inside = ahead >= length * math.cos(math.radians(half_angle)) - 1e-6
    if not bool(walls.any()):
        return inside | (length == 0)
    count = SAMPLES * max(walls.shape[1:])
    share = torch.arange(1, count, device=cell.device) / count
    line = (cell[:, :, None, None] + share[:, None] * offset[:, :, :, None]).round().long()
    hit = walls[torch.arange(len(cell))[:, None, None, None], line[..., 0], line[..., 1]]
    own = (line == cell[:, :, None, None]).all(-1) | (line == target[:, None, :, None]).all(-1)
    return (inside & ~(hit & ~own).any(-1)) | (length == 0)


def outlines(walls: Bool[Tensor, "E X Y"]) -> Tensor | None:
    """Wall cells as segments `[E,W,4]` m, both diagonals of each; None without walls. Padding lies far away."""
    if not bool(walls.any()):
        return None
    most = 2 * int(walls.flatten(1).sum(1).max())
    out = torch.full((len(walls), most, 4), FAR, device=walls.device)
    for e, wall in enumerate(walls):
        x, y = wall.nonzero().float().unbind(-1)
        lines = torch.cat(
            (
                torch.stack((x - 0.5, y - 0.5, x + 0.5, y + 0.5), -1),
                torch.stack((x - 0.5, y + 0.5, x + 0.5, y - 0.5), -1),
            )
        )
        out[e, : len(lines)] = lines
    return out
