"""Make logs for pretraining: many episodes of the crowd around an exploring ego."""

from collections.abc import Sequence

import torch
from rich.progress import Progress

from jepa_social.data.schema import Recording
from jepa_social.worlds.branches import Branching, branch_out
from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.explore import Explorer
from jepa_social.worlds.people import Population
from jepa_social.worlds.record import to_recordings
from jepa_social.worlds.scenarios import TRAINED, Scenario

AFTER = 1.0
"""s that are still recorded once the ego has arrived."""


def simulate(
    scenarios: Scenario | Sequence[Scenario] = TRAINED,
    episodes: int = 1000,
    seed: int = 0,
    people: int | tuple[int, int] = (2, 8),
    population: Population | None = None,
    visible: bool = True,
    dt: float = 0.25,
    seconds: float = 15.0,
    ego_speed: float = 1.2,
    branching: Branching | None = None,
    batch: int = 250,
    progress: bool = True,
    device: torch.device | str = "cpu",
) -> list[Recording]:
    """Run `episodes` episodes and return them as recordings, scenarios of equal `people` side by side, so that few are
    padded to many; the ego has kind `robot`.

    Args:
        scenarios: assigned round-robin by seed.
        episodes: how many; their seeds are `seed`, `seed + 1`, … and the batch size changes nothing but the speed.
        seed: first seed, >= 0.
        people: others per scene, or the range that each seed draws from, in scenarios that do not say so themselves.
        population: what they are like.
        visible: they react to the ego.
        dt: s between frames.
        seconds: longest episode; it ends 1 s after the ego's arrival.
        ego_speed: m/s, fastest ego (episodes draw their own pace below it).
        branching: moments of every episode that are continued under other plans too, each branch a recording of its
            own named `<episode>#<frame>-<plan>`; None: none.
        batch: episodes that run at once.
        progress: show a progress bar.
        device: where to run.

    Raises:
        ValueError: `episodes`, `batch` or `seconds` is not positive; see also `Crowd`.
    """
    if episodes < 1 or batch < 1 or seconds < dt:
        raise ValueError("simulate needs episodes >= 1, batch >= 1 and seconds >= dt")
    world = Crowd(
        scenarios,
        people,
        population,
        dt=dt,
        visible=visible,
        observed=1,
        limit=seconds,
        ego_speed=ego_speed,
        device=device,
    )
    alike: dict[tuple[int, ...], list[int]] = {}
    for one in range(seed, seed + episodes):
        alike.setdefault(tuple(world.scenarios[one % len(world.scenarios)].people or ()), []).append(one)
    recordings: list[Recording] = []
    with Progress(disable=not progress) as bar:
        task = bar.add_task("simulating", total=episodes)
        for mine in alike.values():
            for first in range(0, len(mine), batch):
                seeds = mine[first : first + batch]
                recordings += _run(world, seeds, round(seconds / dt), branching)
                bar.advance(task, len(seeds))
    return recordings


def _run(world: Crowd, seeds: Sequence[int], steps: int, branching: Branching | None) -> list[Recording]:
    scene = world.reset(seeds)
    explorer = Explorer(seeds, steps, world.dt)
    after = round(AFTER / world.dt)
    keep = torch.full((len(seeds),), steps + 1, device=world.device)
    names = [f"{name}-{seed:07d}" for name, seed in zip(world.scenario_names(), seeds, strict=True)]
    moments = [[] if branching is None else branching.draw(seed, world.dt) for seed in seeds]
    branches: list[list[Recording]] = [[] for _ in seeds]
    for frame in range(1, steps + 1):
        scene = world.step(explorer.act(scene))
        keep = torch.where(world.arrived & (keep > frame + after), frame + 1 + after, keep).clamp(max=steps + 1)
        due = [place for place, mine in enumerate(moments) if frame in mine and not world.arrived[place]]
        if branching is not None and due:
            for plan, run in zip(
                branching.plans,
                branch_out(world, branching.plans, branching.before, branching.after, due),
                strict=True,
            ):
                made = to_recordings(run, [f"{names[place]}#{frame:03d}-{plan.name}" for place in due])
                for place, recording in zip(due, made, strict=True):
                    branches[place].append(recording)
        if frame >= int(keep.max()):
            break
    trunks = to_recordings(world.history(), names, keep)
    return [recording for trunk, mine in zip(trunks, branches, strict=True) for recording in (trunk, *mine)]
