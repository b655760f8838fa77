"""What becomes of a scene's history before anything is inferred from it: an origin near by, and short gaps bridged."""

import torch
from torch import Tensor

from jepa_social.kinematics import MIN_SPEED
from jepa_social.scene import FAR, Scene

LONGEST = 2.0
"""s out of sight, just before now, after which somebody who is seen again is still taken to have walked straight on."""


def localised(scene: Scene) -> tuple[Scene, Tensor | None]:
    """The scene in 32-bit floats about an origin near by, and that origin `[B,2]` m in 64 bits.

    Scenes that `Scene.from_arrays` gave 64-bit positions lie too far out for models, which count in 32 bits; any other
    is returned as it is, with None.
    """
    if scene.position.dtype != torch.float64:
        return scene, None
    seen = scene.position.masked_fill(~scene.present[..., None], torch.nan).flatten(1, 2)
    # not the mean: one stray agent must not take the origin away from all others
    origin = (seen.nanmedian(dim=1).values if seen.shape[1] else seen.sum(1)).nan_to_num(0.0)
    new = scene.clone(False)
    moved = scene.position - origin[:, None, None]
    new.position = (moved * scene.present[..., None]).float()
    if scene.goal is not None:
        new.goal = (scene.goal - origin).float()
    if scene.walls is not None:
        padding = (scene.walls == FAR).all(-1, keepdim=True)
        new.walls = torch.where(padding, scene.walls, scene.walls - origin.repeat(1, 2)[:, None]).float()
    return new, origin


def bridged(scene: Scene, longest: float = LONGEST) -> Scene:
    """The scene with everybody who was out of sight just before the last frame walking straight through that gap.

    Trackers lose people for a frame. Without the frame before it the last one has no velocity, and who walks would be
    taken to stand. Gaps of up to `longest` s are filled; where a velocity was given for the last frame, it stays.
    Earlier gaps are left as they are.
    """
    last = scene.frames - 1
    frame = torch.arange(last + 1, device=scene.dt.device)
    before = torch.where(scene.present, frame, -1)[..., :-1].amax(-1) if last else scene.kind.new_full((), -1)
    gap = last - before
    lost = scene.present[..., -1] & (before >= 0) & (gap > 1) & (gap * scene.dt[:, None] <= longest + 1e-6)
    if not bool(lost.any()):
        return scene
    index = before.clamp(min=0)[..., None]
    start = scene.position.gather(2, index[..., None].expand(-1, -1, -1, 2))
    way = scene.position[:, :, -1:] - start
    velocity = (way / (gap * scene.dt[:, None])[..., None, None]).to(scene.velocity)
    heading = torch.where(
        velocity.norm(dim=-1) > MIN_SPEED,
        torch.atan2(velocity[..., 1], velocity[..., 0]),
        scene.heading.gather(2, index),
    )
    filled = lost[..., None] & (frame > before[..., None])
    share = (frame - before[..., None]) / gap[..., None]
    unknown = filled & ~((frame == last) & (scene.velocity != 0).any(-1))
    new = scene.clone(False)
    new.present = scene.present | filled
    new.position = torch.where((filled & (frame < last))[..., None], start + share[..., None] * way, scene.position)
    new.velocity = torch.where(unknown[..., None], velocity, scene.velocity)
    new.heading = torch.where(unknown, heading, scene.heading)
    return new


def looked_at(scene: Scene, dt: float, agents: int) -> Scene:
    """What a planner looks at: the history localised, bridged and at its own rate of `dt` s, the ego and the nearest of
    the others first, `agents` in all."""
    return bridged(localised(scene)[0]).resampled(dt).nearest(agents)
