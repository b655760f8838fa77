"""A crowd re-simulated from what can be seen of it: the rule is known, what people are like is not."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from jepa_social.scene import Scene
from jepa_social.worlds.orca import orca_velocity
from jepa_social.worlds.people import Population
from jepa_social.worlds.walk import EASE


def nominal_paths(
    scene: Scene,
    commands: Float[Tensor, "B H 2"],
    absent: Bool[Tensor, "B"],
    population: Population,
    goals: Float[Tensor, "B N 2"] | None = None,
) -> Float[Tensor, "B N H 2"]:
    """Where everybody would be (m) if all others were reciprocal ORCA agents of the `population`'s mean.

    Args:
        scene: whose last frame is gone on from; agent 0 is the ego.
        commands: of the ego, m/s, world frame.
        absent: scenes whose ego nobody sees.
        population: its means and middles of ranges are everybody's traits.
        goals: where everybody wants to go, m. None: nobody knows, and everybody is taken to want the velocity that is
            seen of it now.
    """
    position, velocity = scene.position[:, :, -1].double(), scene.velocity[:, :, -1].double()
    seen = scene.present[:, :, -1].clone()
    here, radius = seen[:, 1:, None], scene.radius.double()
    seen[:, 0] &= ~absent
    dt = float(scene.dt[0])
    speed = velocity.norm(dim=-1).clamp(min=population.speed_mean)[:, 1:]
    margin = sum(population.margin_range) / 2
    me = torch.arange(1, scene.agents, device=position.device).expand(len(position), -1)
    wanted, steps = velocity[:, 1:], []
    for step in range(commands.shape[1]):
        if goals is not None:
            to = goals[:, 1:].double() - position[:, 1:]
            distance = to.norm(dim=-1, keepdim=True).clamp(min=1e-9)
            wanted = to * torch.minimum(speed[..., None] / distance, torch.full_like(distance, 1.0 / EASE))
        new = orca_velocity(
            position,
            velocity,
            wanted,
            radius,
            speed,
            seen,
            population.horizon,
            dt,
            share=population.share_mean,
            neighbor_dist=population.neighbor_dist,
            walls=None if scene.walls is None else scene.walls.double(),
            margin=margin,
            agents=me,
        )
        velocity = torch.cat((commands[:, step, None].double(), torch.where(here, new, 0.0)), dim=1)
        position = position + velocity * dt
        steps.append(position)
    return torch.stack(steps, dim=2).float()
