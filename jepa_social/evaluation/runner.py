"""Closed loop: a policy acts in a world until every episode is over."""

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from jepa_social.evaluation.episodes import Episodes, cut_at, decided, endings, out_of_time, pick_scenes
from jepa_social.planning.policy import Policy
from jepa_social.scene import OF_FRAMES, Scene


class Playable(Protocol):
    """What the runner needs of a world; `limit` is s (number or `[E]`)."""

    @property
    def limit(self) -> float | Tensor:
        """Greatest duration, s."""
        ...

    def reset(self, seeds: Sequence[int]) -> Scene:
        """Begin one scene a seed."""
        ...

    def step(self, action: Tensor) -> Scene:
        """Move the ego with velocity `action [E,2]` m/s for one step; the last observed frames."""
        ...

    def history(self) -> Scene:
        """All frames since (or before) `reset`."""
        ...

    def scenario_names(self) -> list[str]:
        """One name a scene."""
        ...


@runtime_checkable
class Shrinkable(Protocol):
    """A policy that can drop finished scenes from its warm-start state, so that nobody plans for them any more."""

    def keep(self, mask: Tensor) -> None:
        """Go on with those scenes of the last `act` where `mask [E]` is true."""
        ...


def run_episodes(
    world: Playable,
    policy: Policy,
    seeds: Sequence[int],
    batch: int = 64,
    progress: Callable[[int, int], None] | None = None,
) -> Episodes:
    """Run one episode a seed, `batch` of them at a time.

    An episode ends at success, collision (both on the swept segment, see `endings`) or the limit; then its ego gets
    zero action and, if the policy has `keep`, is no longer planned for. Random numbers that a policy draws from
    torch's global generator depend on the seeds only.

    Args:
        world: batched world.
        policy: batched policy.
        seeds: one a scene.
        batch: scenes side by side.
        progress: called with (episodes done, episodes in all) after every batch.

    Raises:
        ValueError: no seeds, the world gives no goal, or the policy's action is not a finite `[E,2]`.
    """
    if not len(seeds):
        raise ValueError("give at least one seed")
    parts = []
    for start in range(0, len(seeds), batch):
        parts.append(_run_batch(world, policy, list(seeds[start : start + batch])))
        if progress is not None:
            progress(min(start + batch, len(seeds)), len(seeds))
    return Episodes.concatenate(parts)


@torch.no_grad()
def _run_batch(world: Playable, policy: Policy, seeds: list[int]) -> Episodes:
    with torch.random.fork_rng():
        torch.manual_seed(seeds[0])
        scene = world.reset(seeds)
        policy.reset()
        if scene.goal is None:
            raise ValueError(f"the world gives no Scene.goal, so {policy.name} cannot be scored")
        goal = scene.goal.clone()
        first = world.history().frames - 1
        limit = torch.as_tensor(world.limit, dtype=goal.dtype, device=goal.device).expand(len(seeds)).clone()
        going = torch.ones_like(limit, dtype=torch.bool)
        seconds, decisions = torch.zeros_like(limit), torch.zeros_like(limit)
        step = 0
        while bool(going.any()):
            action, spent = _decide(policy, scene, going)
            seconds += spent * going
            decisions += going
            before, scene = scene, world.step(action)
            step += 1
            over = decided(_last_step(before, scene), goal)[:, 0] | out_of_time(step, scene.dt, limit)
            if isinstance(policy, Shrinkable) and bool((going & over).any()):
                policy.keep(~over[going])
            going = going & ~over
        whole = world.history()
    run = whole.between(first, whole.frames)
    stop = endings(run, goal, limit)
    return Episodes(
        policy=policy.name,
        scene=cut_at(run, stop).to("cpu"),  # pyright: ignore[reportAttributeAccessIssue]
        stop=stop.cpu(),
        goal=goal.cpu(),
        limit=limit.cpu(),
        seeds=torch.as_tensor(seeds),
        scenarios=list(world.scenario_names()),
        decision_ms=(1e3 * seconds / decisions).cpu(),
        human_length=_of_human(world, "human_length"),
        human_time=_of_human(world, "human_time"),
    )


def _decide(policy: Policy, scene: Scene, going: Tensor) -> tuple[Tensor, float]:
    """The action `[E,2]`, zero where an episode is over, and the seconds spent on each scene that was planned for."""
    shrinks = isinstance(policy, Shrinkable)
    asked = pick_scenes(scene, going) if shrinks else scene
    start = perf_counter()
    chosen = policy.act(asked)
    if chosen.is_cuda:
        torch.cuda.synchronize(chosen.device)
    spent = (perf_counter() - start) / len(asked.ego)
    if chosen.shape != (len(asked.ego), 2) or not bool(chosen.isfinite().all()):
        raise ValueError(
            f"policy {policy.name} must return finite velocities [{len(asked.ego)},2], got {tuple(chosen.shape)} "
            f"with {int((~chosen.isfinite()).sum())} entries not finite"
        )
    action = chosen.new_zeros(len(going), 2)
    action[going] = chosen if shrinks else chosen[going]
    return action, spent


def _last_step(before: Scene, after: Scene) -> Scene:
    """The last frames of two observations, side by side."""
    pair = after.between(after.frames - 1, after.frames)
    for name in OF_FRAMES:
        setattr(pair, name, torch.cat((getattr(before, name)[:, :, -1:], getattr(pair, name)), dim=2))
    return pair


def _of_human(world: Playable, name: str) -> Tensor | None:
    """What a replay world knows of the recorded person: `[E]`, an attribute or a method; None in other worlds."""
    value = getattr(world, name, None)
    value = value() if callable(value) else value
    return None if value is None else torch.as_tensor(value).float().cpu()
