"""How near the ego comes to people and walls while it moves from one frame to the next.

Clearance c is the distance of centres minus both radii (m); it is taken on the *swept* segment, so that agents cannot
jump through each other between frames. Environments and the runner end episodes by it, metrics score by it: one
definition.
"""

import torch
from torch import Tensor

from jepa_social.geometry import segment_distance, swept_distance
from jepa_social.scene import Scene
from jepa_social.worlds.ego import own_radius


def ego_track(scene: Scene) -> Tensor:
    """Positions `[E,T,2]` m of the ego.

    Raises:
        ValueError: a scene has no ego.
    """
    if bool((scene.ego < 0).any()):
        raise ValueError(f"scene {int((scene.ego < 0).nonzero()[0])} has no ego: set Scene.ego")
    return scene.position[torch.arange(len(scene.ego), device=scene.ego.device), scene.ego]


def people(scene: Scene) -> Tensor:
    """Where somebody other than the ego is present: `[E,N,T]` bool."""
    slots = torch.arange(scene.agents, device=scene.ego.device)
    return scene.present & (slots != scene.ego[:, None])[:, :, None]


def companions(scene: Scene) -> Tensor:
    """Who belongs to the ego's own group, as far as the world knows (`truth["group"]`): `[E,N]` bool."""
    if scene.truth is None or "group" not in scene.truth.keys():  # noqa: SIM118 - a TensorDict iterates over its rows
        return torch.zeros_like(scene.kind, dtype=torch.bool)
    group = scene.truth["group"]
    own = group.gather(1, scene.ego[:, None])
    slots = torch.arange(scene.agents, device=scene.ego.device)
    return (group == own) & (own >= 0) & (slots != scene.ego[:, None])


def centre_distance(scene: Scene) -> Tensor:
    """Least distance `[E,N,T-1]` m of centres of the ego and everybody else during each step; inf where nobody is.

    Somebody who appears at the end of a step counts where they appear.
    """
    offset = scene.position - ego_track(scene)[:, None]
    here = people(scene)
    swept = swept_distance(offset[:, :, :-1], offset[:, :, 1:])
    static = offset[:, :, 1:].norm(dim=-1)
    distance = torch.where(here[:, :, :-1], swept, static)
    return distance.masked_fill(~here[:, :, 1:], torch.inf)


def people_clearance(scene: Scene, who: Tensor | None = None) -> Tensor:
    """Least c `[E,T-1]` m to anybody, or to those in `who [E,N]`, during each step; inf where nobody is."""
    reach = scene.radius + own_radius(scene)[:, None]
    clearance = centre_distance(scene) - reach[:, :, None]
    return (clearance if who is None else clearance.masked_fill(~who[:, :, None], torch.inf)).amin(dim=1)


def wall_clearance(scene: Scene) -> Tensor:
    """Least distance `[E,T-1]` m of the ego's disc to a wall during each step; inf without walls."""
    track = ego_track(scene)
    start, end = track[:, :-1], track[:, 1:]
    if scene.walls is None or scene.walls.shape[1] == 0:
        return torch.full(start.shape[:2], torch.inf, device=track.device)
    wall = scene.walls[:, None]
    gap = segment_distance(start[:, :, None], end[:, :, None], wall[..., :2], wall[..., 2:])
    return gap.amin(dim=-1) - own_radius(scene)[:, None]
