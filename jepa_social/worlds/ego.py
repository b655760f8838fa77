"""What an ego-side rule reads from a scene: its own last frame, the way to its goal, and the limits of its speed."""

import torch
from torch import Tensor

from jepa_social.geometry import shortened
from jepa_social.scene import Scene
from jepa_social.worlds.route import waypoint


def own(scene: Scene, value: Tensor) -> Tensor:
    """The ego's `value [B,N,T,...]` in the last frame: `[B,...]`.

    Raises:
        ValueError: a scene has no ego.
    """
    if bool((scene.ego < 0).any()):
        raise ValueError(f"scene {int((scene.ego < 0).nonzero()[0])} has no ego (ego = -1): nobody to act for")
    return value[torch.arange(len(scene.ego), device=scene.ego.device), scene.ego, -1]


def own_limits(scene: Scene) -> tuple[Tensor, Tensor]:
    """The ego's way to its goal `[B,2]` m and its greatest speed `[B]` m/s.

    Raises:
        ValueError: the scene has no goal, no speed or no ego.
    """
    if scene.goal is None or scene.speed is None:
        raise ValueError("an ego needs scene.goal and scene.speed: its own goal (m) and speed (m/s)")
    return scene.goal - own(scene, scene.position), scene.speed


def to_goal(scene: Scene) -> Tensor:
    """Velocity `[B,2]` m/s to the goal, round the walls, at the ego's speed, or what arrives exactly in one step."""
    to, speed = own_limits(scene)
    if scene.walls is not None and scene.goal is not None:
        here = own(scene, scene.position)
        to = waypoint(here, scene.goal, scene.walls, own_radius(scene)) - here
    return to * torch.minimum(speed / to.norm(dim=-1).clamp(min=1e-9), 1.0 / scene.dt)[:, None]


def own_radius(scene: Scene) -> Tensor:
    """The ego's radius `[B]` m."""
    return scene.radius[torch.arange(len(scene.ego), device=scene.ego.device), scene.ego]


def within_limits(velocity: Tensor, scene: Scene) -> Tensor:
    """Cut `velocity [B,2]` to the ego's speed and to what cannot pass the goal within one step."""
    to, speed = own_limits(scene)
    greatest = torch.minimum(speed, to.norm(dim=-1) / scene.dt)
    return shortened(velocity, greatest)


def last_frame(scene: Scene) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Presence `[B,N]`, positions and velocities `[B,N,2]` in the last frame, and the ego's index `[B,1]`."""
    return scene.present[:, :, -1], scene.position[:, :, -1], scene.velocity[:, :, -1], scene.ego[:, None]


def common_step(scene: Scene) -> float:
    """The time step that all scenes share, s.

    Raises:
        ValueError: they do not share one.
    """
    first = float(scene.dt[0])
    if bool((scene.dt != first).any()):
        raise ValueError("scenes of one batch differ in dt: act on them separately")
    return first
