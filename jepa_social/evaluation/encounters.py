"""Who yielded to whom: where the ego's path meets another's, and who was there first."""

from dataclasses import dataclass

import torch

from jepa_social.scene import Scene
from jepa_social.worlds.clearance import ego_track, people
from jepa_social.worlds.ego import own_radius

CROSSING_ANGLE = 0.35
"""rad between courses below which two people walk together instead of crossing."""


@dataclass(frozen=True)
class Encounter:
    """The ego's path and another's meet.

    Attributes:
        person: slot of the other.
        point: (x, y) m where the paths meet.
        gap: s by which the ego came there after the other; negative where it went first.
    """

    person: int
    point: tuple[float, float]
    gap: float


def encounters(scene: Scene, index: int, within: float = 4.0) -> list[Encounter]:
    """Crossings of the ego's path in one scene, the closest call first.

    Two paths meet where they come nearer than the sum of radii, whenever each was there; followers and companions
    (courses within `CROSSING_ANGLE`) do not count.

    Args:
        scene: whole runs `[E,N,T]`.
        index: which scene.
        within: s; paths used further apart in time are no encounter.
    """
    dt = float(scene.dt[index])
    track, ego_here = ego_track(scene)[index], scene.present[index, int(scene.ego[index])]
    others = people(scene)[index]
    found = []
    for person in range(scene.agents):
        here = others[person]
        if not here.any():
            continue
        path = scene.position[index, person]
        gap = (track[:, None] - path[None]).norm(dim=-1)
        gap = gap.masked_fill(~(ego_here[:, None] & here[None]), torch.inf)
        reach = float(scene.radius[index, person] + own_radius(scene)[index])
        delay = torch.arange(len(track))[:, None] - torch.arange(len(path))[None]
        gap = torch.where((delay.abs() * dt <= within) & (gap < reach), gap, torch.inf)
        nearest = int(gap.argmin())
        mine, theirs = divmod(nearest, len(path))
        if not bool(gap[mine, theirs].isfinite()) or mine == theirs:
            continue
        a = scene.velocity[index, int(scene.ego[index]), mine]
        b = scene.velocity[index, person, theirs]
        cross, dot = a[0] * b[1] - a[1] * b[0], (a * b).sum()
        if float(torch.atan2(cross.abs(), dot)) < CROSSING_ANGLE:
            continue
        x, y = ((track[mine] + path[theirs]) / 2).tolist()
        found.append(Encounter(person, (x, y), (mine - theirs) * dt))
    return sorted(found, key=lambda one: abs(one.gap))
