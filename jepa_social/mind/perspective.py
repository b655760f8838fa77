"""Taking another's perspective: a scene as one of its agents has seen it, for the same encoder to read.

Everybody and everything stands where that agent last saw it. So the thing that was moved behind its back is still in
its old place, and a latent of this scene is a latent of what the agent can know.
"""

import math

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from jepa_social.geometry import hold_last
from jepa_social.models.tokenizer import has_frame
from jepa_social.scene import FAR, Scene, backward_difference, motion_heading


def in_view(scene: Scene, agent: Int[Tensor, "B"], half_angle: float) -> Bool[Tensor, "B N T"]:
    """Whom and what `agent` has in view at each frame: within `half_angle` (degrees) of its heading, no wall between.

    Who has not moved yet faces nowhere that could be told, and is taken to see all around. It always sees itself.
    """
    rows = torch.arange(len(agent), device=agent.device)
    here, heading = scene.position[rows, agent][:, None], scene.heading[rows, agent][:, None]
    offset = scene.position - here
    length = offset.norm(dim=-1)
    ahead = offset[..., 0] * heading.cos() + offset[..., 1] * heading.sin()
    oriented = has_frame(scene)[rows, agent][:, None]
    seen = (ahead >= length * math.cos(math.radians(half_angle)) - 1e-6) | ~oriented | (length < 1e-6)
    if scene.walls is not None:
        seen = seen & ~_blocked(here.expand_as(scene.position), scene.position, scene.walls)
    seen = seen & scene.present & scene.present[rows, agent][:, None]
    seen[rows, agent] = scene.present[rows, agent]
    return seen


def perspective(scene: Scene, agent: Int[Tensor, "B"], half_angle: float = 90.0, told: bool = True) -> Scene:
    """The scene as `agent` has seen it.

    Others stay where they were last in view, and are absent before. Velocities and headings are those of the seen
    positions. `truth` is dropped.

    Args:
        scene: what really happened.
        agent: whose perspective, one in each scene.
        half_angle: degrees to either side of its heading that it sees.
        told: it knows where everything is in the first frame.

    Raises:
        ValueError: an agent that the scene does not have.
    """
    if int(agent.min()) < 0 or int(agent.max()) >= scene.agents:
        raise ValueError(f"agent must be in 0..{scene.agents - 1}, got {agent.tolist()[:5]}")
    seen = in_view(scene, agent, half_angle)
    if told:
        seen[:, :, 0] = scene.present[:, :, 0]
    x, known = hold_last(scene.position[..., 0], seen, dim=-1)
    y, _ = hold_last(scene.position[..., 1], seen, dim=-1)
    new = scene.clone(False)
    new.truth = None
    new.present = known
    new.position = torch.stack((x, y), dim=-1) * known[..., None]
    new.velocity = backward_difference(new.position, known, scene.dt)
    new.heading = motion_heading(new.velocity, known)
    return new


def _blocked(start: Tensor, end: Tensor, walls: Tensor) -> Bool[Tensor, "B N T"]:
    """Whether any of `walls [B,W,4]` crosses the straight line from start to end, both `[B,N,T,2]`."""
    blocked = torch.zeros(start.shape[:-1], dtype=torch.bool, device=start.device)
    for wall in walls.unbind(1):
        a, b = wall[:, None, None, :2], wall[:, None, None, 2:]
        real = (wall.abs() < FAR).all(-1)[:, None, None]
        parted = _side(start, end, a) * _side(start, end, b) < 0
        blocked |= parted & (_side(a, b, start) * _side(a, b, end) < 0) & real
    return blocked


def _side(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    return (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (c[..., 0] - a[..., 0])
