"""What the ego costs other people: their delay and detour against the same seed without the ego."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from jepa_social.evaluation.episodes import Episodes
from jepa_social.evaluation.runner import Playable
from jepa_social.geometry import closest_on_segment
from jepa_social.scene import Scene
from jepa_social.worlds.clearance import people
from jepa_social.worlds.ego import common_step

AT_ONCE = 10
"""Episodes compared side by side: every place is held against every segment of a path."""
PRICE = 0.1
"""m that a second earlier or later weighs where people are looked for on their undisturbed path. At 0 wanderers who
come by the same place again seem early; towards walking speed whoever is held up seems to be off the path.
At this price the delay of one run against another is, on average, minus that of the other against the one."""
AHEAD = 10.0
"""s after a moment up to which they are looked for, however long the undisturbed run is."""


@dataclass(frozen=True)
class Disturbance:
    """Per-episode means over people, `[E]` each; NaN where nobody was there.

    Attributes:
        delay: s that people are behind at the end of the episode: now, minus the time at which they were there, or as
            near as they came, when the ego was not. Negative where the ego hurried them; 0 for who has arrived in both
            runs.
        deviation: m, mean distance over time from where they were then.
        greatest_delay: s, of the person delayed most.
    """

    delay: Tensor
    deviation: Tensor
    greatest_delay: Tensor


def disturbances(world: Playable, episodes: Sequence[Episodes]) -> dict[str, dict[str, list[float]]]:
    """Policy to the names of `Disturbance` to a number an episode.

    Numbers of an episode depend on it and on the world alone, not on the other `episodes`; where people do not see the
    ego they are 0.

    Args:
        world: the world of the episodes, except that people do not see the ego in it: to them it is not there.
        episodes: one `Episodes` a policy, all on the same seeds in the same order.

    Raises:
        ValueError: the policies ran other seeds.
    """
    if any(one.seeds.tolist() != episodes[0].seeds.tolist() for one in episodes):
        raise ValueError("disturbance compares every policy with the same undisturbed run: give all the same seeds")
    names = [field.name for field in fields(Disturbance)]
    found: dict[str, dict[str, list[float]]] = {one.policy: {name: [] for name in names} for one in episodes}
    for start in range(0, len(episodes[0]), AT_ONCE):
        index = range(start, min(start + AT_ONCE, len(episodes[0])))
        parts = [one.select(index) for one in episodes]
        frames = max(part.scene.frames for part in parts) + _ahead(parts[0].scene)
        free = undisturbed(world, parts[0].seeds.tolist(), frames)
        for part in parts:
            cost = disturbance(part, free.pad(part.scene.agents).to("cpu"))  # pyright: ignore[reportArgumentType]
            for name in names:
                found[part.policy][name] += getattr(cost, name).tolist()
    return found


@torch.no_grad()
def undisturbed(world: Playable, seeds: Sequence[int], frames: int) -> Scene:
    """The first `frames` frames of a world whose ego stands still, unseen."""
    scene = world.reset(seeds)
    first = world.history().frames - 1
    for _ in range(frames - 1):
        scene = world.step(torch.zeros_like(scene.position[:, 0, -1]))
    return world.history().between(first, first + frames)


def disturbance(with_ego: Episodes, without_ego: Scene) -> Disturbance:
    """Compare people with and without the ego.

    Args:
        with_ego: the episodes.
        without_ego: the same seeds and slots `[E,N,T']`, `AHEAD` s longer than the longest episode; its ego slots
            are not read.

    Raises:
        ValueError: slots or scenes differ, or the run without the ego is too short.
    """
    scene = with_ego.scene
    if without_ego.position.shape[:2] != scene.position.shape[:2]:
        raise ValueError(
            f"the run without the ego has [E,N] = {list(without_ego.position.shape[:2])}, the episodes "
            f"{list(scene.position.shape[:2])}: run the same seeds and keep the ego's slot, absent or not"
        )
    ahead = _ahead(scene)
    if without_ego.frames < scene.frames + ahead:
        raise ValueError(f"run the world without the ego for {scene.frames + ahead} frames, not {without_ego.frames}")
    off, when = nearest_on_path(
        scene.position, without_ego.position, without_ego.present, PRICE * common_step(scene), ahead
    )
    here = people(scene) & off.isfinite()
    deviation = torch.where(here, off, 0).sum((1, 2)) / here.sum((1, 2))
    last = with_ego.stop[:, None, None].expand(-1, scene.agents, 1)
    late = (with_ego.stop[:, None] - when.gather(2, last)[..., 0]) * scene.dt[:, None]
    there = here.gather(2, last)[..., 0]
    greatest = late.masked_fill(~there, -torch.inf).amax(1)
    return Disturbance(
        delay=torch.where(there, late, 0).sum(1) / there.sum(1),
        deviation=deviation,
        greatest_delay=torch.where(there.any(1), greatest, torch.nan),
    )


def nearest_on_path(position: Tensor, path: Tensor, present: Tensor, price: float, ahead: int) -> tuple[Tensor, Tensor]:
    """Distance `[...,T]` m of `position [...,T,2]` from the polyline `path [...,T',2]`, and where on it (in frames).

    The place counts at which distance and `price` (m for each frame earlier or later) are least together, up to `ahead`
    frames later; infinite where nobody is `present [...,T']` so far.
    """
    start, end = path[..., :-1, :], path[..., 1:, :]
    frame = torch.arange(position.shape[-2], device=path.device, dtype=path.dtype)[:, None]
    point = position[..., None, :]
    near = closest_on_segment(point, start[..., None, :, :], end[..., None, :, :])
    along = (end - start)[..., None, :, :]
    size = along.square().sum(-1)
    share = ((near - start[..., None, :, :]) * along).sum(-1) / size.clamp(min=1e-12)
    begin = torch.arange(start.shape[-2], device=path.device, dtype=path.dtype)
    standing = (frame - begin).clamp(0, 1)
    when = begin + torch.where(size > 1e-12, share, standing)
    whole = (present[..., :-1] & present[..., 1:])[..., None, :]
    asked = whole & (begin < frame + ahead)
    gap = (point - near).norm(dim=-1).masked_fill(~asked, torch.inf)
    cost = gap + price * (when - frame).abs()
    best = cost.argmin(dim=-1, keepdim=True)
    return gap.gather(-1, best)[..., 0], when.gather(-1, best)[..., 0]


def _ahead(scene: Scene) -> int:
    """Frames in `AHEAD`."""
    return round(AHEAD / common_step(scene))
