"""Taking another's perspective: a scene as one of its agents has seen it, for the same encoder to read.

Everybody and everything stands where that agent last saw it. So the thing that was moved behind its back is still in
its old place, and a latent of this scene is a latent of what the agent can know. What lies in a box is seen only while
it is put from one place to another, and then by whoever has either place in view.
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepa_social.geometry import hold_last, segments_cross
from jepa_social.kinematics import backward_difference, motion_heading
from jepa_social.models.tokenizer import has_frame
from jepa_social.scene import FAR, KINDS, Scene

BOX = KINDS.index("box")
"""Kinds after it are things that may lie in one."""
NEAR = 1e-3
"""m, within which two places are the same."""


def in_view(scene: Scene, agent: Int[Tensor, "B"], half_angle: float) -> Bool[Tensor, "B N T"]:
    """Whom and what `agent` has in view at each frame: within `half_angle` (degrees) of its heading, no wall between,
    and not shut in a box.

    Who has not moved yet faces nowhere that could be told, and is taken to see all around. It always sees itself.
    """
    rows = torch.arange(len(agent), device=agent.device)
    here, heading = scene.position[rows, agent][:, None], scene.heading[rows, agent][:, None]
    oriented = has_frame(scene)[rows, agent][:, None]

    def shown(place: Float[Tensor, "B N T 2"]) -> Bool[Tensor, "B N T"]:
        offset = place - here
        length = offset.norm(dim=-1)
        ahead = offset[..., 0] * heading.cos() + offset[..., 1] * heading.sin()
        clear = (ahead >= length * math.cos(math.radians(half_angle)) - 1e-6) | ~oriented | (length < 1e-6)
        return clear if scene.walls is None else clear & ~_blocked(here.expand_as(place), place, scene.walls)

    seen, inside = shown(scene.position), boxed(scene)
    if bool(inside.any()):
        before = torch.cat((scene.position[:, :, :1], scene.position[:, :, :-1]), dim=2)
        moved = ((scene.position - before).norm(dim=-1) > NEAR) & inside
        seen = (seen & ~inside) | (moved & (seen | shown(before)))
    seen = seen & scene.present & scene.present[rows, agent][:, None]
    seen[rows, agent] = scene.present[rows, agent]
    return seen


def boxed(scene: Scene) -> Bool[Tensor, "B N T"]:
    """Which things lie in a box: at the same place as one, and not a box or somebody themselves."""
    box = scene.kind == BOX
    inside = torch.zeros_like(scene.present)
    if bool(box.any()):
        thing = (scene.kind > BOX)[..., None]
        apart = (scene.position[:, :, None] - scene.position[:, None]).norm(dim=-1)
        inside = thing & ((apart < NEAR) & box[:, None, :, None] & scene.present[:, None]).any(2)
    return inside & scene.present


def perspective(
    scene: Scene,
    agent: Int[Tensor, "B"],
    half_angle: float = 90.0,
    told: bool = True,
    by: Int[Tensor, "B"] | None = None,
) -> Scene:
    """The scene as `agent` has seen it.

    Others stay where they were last in view, and are absent before. Velocities and headings are those of the seen
    positions. `truth` is dropped.

    Args:
        scene: what really happened.
        agent: whose perspective, one in each scene.
        half_angle: degrees to either side of its heading that it sees.
        told: it knows where everything is in the first frame.
        by: perspective taken by another: only what `by` has in view itself, while it has `agent` in view, is taken to
            be seen by `agent`. So the scene is what `by` can know that `agent` has seen (belief of the second order).

    Raises:
        ValueError: an agent that the scene does not have.
    """
    for who in (agent,) if by is None else (agent, by):
        if int(who.min()) < 0 or int(who.max()) >= scene.agents:
            raise ValueError(f"agent must be in 0..{scene.agents - 1}, got {who.tolist()[:5]}")
    seen = in_view(scene, agent, half_angle)
    if by is not None:
        own = in_view(scene, by, half_angle)
        seen = seen & own & own[torch.arange(len(agent), device=agent.device), agent][:, None]
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
        blocked |= segments_cross(start, end, a, b) & real
    return blocked
