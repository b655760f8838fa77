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

AT_ONCE = 10
"""Episodes compared side by side: every place is held against every segment of a path."""


@dataclass(frozen=True)
class Disturbance:
    """Per-episode means over people, `[E]` each; NaN where nobody was there.

    Attributes:
        delay: s that people are behind at the end of the episode: now, minus the time at which they came nearest to
            where they now are when the ego was not there. Negative where the ego hurried them.
        deviation: m, mean distance over time from the path that they took without the ego, whenever they took it.
        greatest_delay: s, of the person delayed most.
    """

    delay: Tensor
    deviation: Tensor
    greatest_delay: Tensor


def disturbances(world: Playable, episodes: Sequence[Episodes]) -> dict[str, dict[str, list[float]]]:
    """Policy to the names of `Disturbance` to a number an episode.

    The undisturbed run is as long as the longest of the `episodes`, and all of it is searched for where people come
    nearest. So numbers depend on the company in which a policy is scored, those of people who come back to a place most
    of all (`DenseSquare`): compare policies of one call only.

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
        free = undisturbed(world, parts[0].seeds.tolist(), max(part.scene.frames for part in parts))
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
        without_ego: the same seeds and slots `[E,N,T']`, T' at least the longest episode; its ego slots are not read.

    Raises:
        ValueError: slots or scenes differ, or the run without the ego is too short.
    """
    scene = with_ego.scene
    if without_ego.position.shape[:2] != scene.position.shape[:2]:
        raise ValueError(
            f"the run without the ego has [E,N] = {list(without_ego.position.shape[:2])}, the episodes "
            f"{list(scene.position.shape[:2])}: run the same seeds and keep the ego's slot, absent or not"
        )
    if without_ego.frames < scene.frames:
        raise ValueError(f"run the world without the ego for {scene.frames} frames, not {without_ego.frames}")
    off, when = nearest_on_path(scene.position, without_ego.position, without_ego.present)
    here = people(scene) & without_ego.present.any(-1)[..., None]
    deviation = (off * here).sum((1, 2)) / here.sum((1, 2))
    last = with_ego.stop[:, None, None].expand(-1, scene.agents, 1)
    late = (with_ego.stop[:, None] - when.gather(2, last)[..., 0]) * scene.dt[:, None]
    there = here.gather(2, last)[..., 0]
    greatest = late.masked_fill(~there, -torch.inf).amax(1)
    return Disturbance(
        delay=torch.where(there, late, 0).sum(1) / there.sum(1),
        deviation=deviation,
        greatest_delay=torch.where(there.any(1), greatest, torch.nan),
    )


def nearest_on_path(position: Tensor, path: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
    """Distance `[...,T]` m of `position [...,T,2]` from the polyline `path [...,T',2]`, and where on it (in frames).

    Among places that are equally near (somebody standing) the one nearest in time counts.
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
    gap = (point - near).norm(dim=-1)
    whole = (present[..., :-1] & present[..., 1:])[..., None, :]
    cost = (gap + 1e-4 * (when - frame).abs()).masked_fill(~whole, torch.inf)
    best = cost.argmin(dim=-1, keepdim=True)
    return gap.gather(-1, best)[..., 0], when.gather(-1, best)[..., 0]
