"""Social work: how hard the ego and people push one another, by the social force model.

The measure of HuNavSim (Pérez-Higueras et al., RA-L 2023): the norm of the social force on the ego, that of the force
of walls on it, and the norms of its forces on people, added up. The force is that of Moussaïd et al. (Proc. R. Soc. B
276, 2009, eqs. 3-5) with the constants of the simulator's library: A = 2.1, lambda = 2, gamma = 0.35, n' = 3, n = 2; a
wall pushes with 10 exp(-d / 0.2 m).
"""

import torch
from torch import Tensor

from jepa_social.geometry import closest_on_segment
from jepa_social.kinematics import known_velocity
from jepa_social.scene import Scene
from jepa_social.worlds.clearance import ego_track, people
from jepa_social.worlds.ego import own_radius

STRENGTH, LAMBDA, GAMMA, N_PRIME, N = 2.1, 2.0, 0.35, 3.0, 2.0
WALL, REACH = 10.0, 0.2
TINY = 1e-9


def social_work(scene: Scene, steps: Tensor) -> Tensor:
    """Social work `[E]` over the `steps [E,T-1]`, each judged at its end, times dt: m/s.

    HuNavSim adds up its steps; times dt the sum does not depend on the step. Others whose velocity is not yet known
    (first frame) do not count.
    """
    track = ego_track(scene)
    own = scene.velocity[torch.arange(len(track), device=track.device), scene.ego]
    counted = (people(scene) & known_velocity(scene.present))[..., None]
    offset, gain = track[:, None] - scene.position, own[:, None] - scene.velocity
    on_ego = torch.where(counted, interaction(-offset, gain), 0.0).sum(1).norm(dim=-1)
    on_people = torch.where(counted, interaction(offset, -gain), 0.0).norm(dim=-1).sum(1)
    power = on_ego + on_people + wall_push(scene)
    return (power[:, 1:] * steps).sum(1) * scene.dt


def interaction(offset: Tensor, velocity: Tensor) -> Tensor:
    """Force `[...,2]` m/s^2 on somebody from another at `offset` (m), whom they approach with `velocity` (m/s)."""
    distance = offset.norm(dim=-1)
    toward = offset / distance.clamp(min=TINY)[..., None]
    course = LAMBDA * velocity + toward
    length = course.norm(dim=-1).clamp(min=TINY)
    course = course / length[..., None]
    cross = course[..., 0] * toward[..., 1] - course[..., 1] * toward[..., 0]
    angle = torch.atan2(cross, (course * toward).sum(-1))
    span = GAMMA * length
    slow = -torch.exp(-distance / span - (N_PRIME * span * angle).square())
    turn = -angle.sign() * torch.exp(-distance / span - (N * span * angle).square())
    left = torch.stack((-course[..., 1], course[..., 0]), dim=-1)
    return STRENGTH * (slow[..., None] * course + turn[..., None] * left)


def wall_push(scene: Scene) -> Tensor:
    """Force `[E,T]` m/s^2 of the nearest wall on the ego; 0 without walls."""
    track = ego_track(scene)
    if scene.walls is None or scene.walls.shape[1] == 0:
        return torch.zeros_like(track[..., 0])
    point, wall = track[:, :, None], scene.walls[:, None]
    gap = (point - closest_on_segment(point, wall[..., :2], wall[..., 2:])).norm(dim=-1).amin(-1)
    return WALL * torch.exp(-(gap - own_radius(scene)[:, None]) / REACH)
