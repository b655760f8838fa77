"""A few episodes, small enough to sit in a report: failures first, our policy beside the best baseline."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from jepa_social.evaluation.encounters import encounters
from jepa_social.evaluation.episodes import Episodes, pick_scenes
from jepa_social.evaluation.labels import is_baseline
from jepa_social.evaluation.navigation import Navigation, navigation
from jepa_social.scene import FAR, KINDS, Scene
from jepa_social.worlds.clearance import centre_distance
from jepa_social.worlds.ego import own_radius

SHOWN = 6
AGENTS = 40
"""Most people drawn in one animation: the nearest."""

BASELINE_FAILED = 2
"""Rank of an episode that ours solved and the baseline did not: after our failures, before the rest."""


def animations(episodes: Sequence[Episodes], ours: str = "jepa") -> list[dict[str, Any]]:
    """Pick episodes and write them as plain data (metres and seconds, two decimals).

    Our collisions come first, then our timeouts, then what only the baseline failed, then the closest calls;
    our failures take half of the places if the rest can be filled. Each is
    `{scenario, seed, dt, goal, walls, runs: [{policy, outcome, touched, id, radius, kind, track, crossings}]}`: `id`
    are the agents' slots (ego first), `track` a list over them of `[x, y]` or null per frame, `touched` the slot of
    whom the ego ran into (-1: a wall) or null.
    """
    if not episodes:
        return []
    mine = next((one for one in episodes if one.policy == ours), episodes[0])
    others = [one for one in episodes if is_baseline(one.policy, mine.policy)]
    scores, other_scores = navigation(mine), [navigation(one) for one in others]
    leader = max(range(len(others)), key=lambda k: float(other_scores[k].spl.mean()), default=None)
    best = None if leader is None else others[leader]
    theirs = {} if best is None else {key: i for i, key in enumerate(_keys(best))}
    their_scores = None if leader is None else other_scores[leader]
    keys = _keys(mine)
    ranked = sorted((_interest(i, scores, their_scores, theirs.get(keys[i])), i) for i in range(len(mine)))
    failed = [i for (rank, _), i in ranked if rank < BASELINE_FAILED]
    fine = [i for (rank, _), i in ranked if rank >= BASELINE_FAILED]
    chosen = failed[: max(SHOWN // 2, SHOWN - len(fine))] + fine
    return [_pair(mine, i, best, theirs.get(keys[i])) for i in chosen[:SHOWN]]


def outcome(scores: Navigation, index: int) -> str:
    """`collision`, `timeout` or `success`."""
    return "collision" if scores.collision[index] else "success" if scores.success[index] else "timeout"


def _interest(index: int, scores: Navigation, theirs: Navigation | None, other: int | None) -> tuple[int, float]:
    rank = {"collision": 0, "timeout": 1, "success": BASELINE_FAILED + 1}[outcome(scores, index)]
    if rank > BASELINE_FAILED and theirs is not None and other is not None and not theirs.success[other]:
        rank = BASELINE_FAILED
    return rank, float(scores.minimum_distance[index].nan_to_num(torch.inf))


def _keys(episodes: Episodes) -> list[tuple[str, int]]:
    return list(zip(episodes.scenarios, episodes.seeds.tolist(), strict=True))


def _pair(mine: Episodes, index: int, best: Episodes | None, other: int | None) -> dict[str, Any]:
    walls = mine.scene.walls
    near = [] if walls is None else [w for w in walls[index].tolist() if max(abs(v) for v in w) < FAR]
    return {
        "scenario": mine.scenarios[index],
        "seed": int(mine.seeds[index]),
        "dt": round(float(mine.scene.dt[index]), 4),
        "goal": _round(mine.goal[index]),
        "walls": [[round(v, 2) for v in wall] for wall in near],
        "runs": [_run(mine, index)] + ([] if best is None or other is None else [_run(best, other)]),
    }


def _run(episodes: Episodes, index: int) -> dict[str, Any]:
    scene, last = episodes.scene, int(episodes.stop[index]) + 1
    ego = int(scene.ego[index])
    gap = (scene.position[index] - scene.position[index, ego]).norm(dim=-1)
    gap = gap.masked_fill(~scene.present[index], torch.inf)[:, :last].amin(-1)
    near = [n for n in gap.argsort().tolist() if n != ego and bool(gap[n].isfinite())]
    slots = [ego, *near[:AGENTS]]
    met = [one for one in encounters(scene, index) if one.person in slots]
    result = outcome(navigation(episodes.select([index])), 0)
    return {
        "policy": episodes.policy,
        "outcome": result,
        "touched": _touched(pick_scenes(scene, torch.tensor([index])), last) if result == "collision" else None,
        "id": slots,
        "radius": [round(float(scene.radius[index, n]), 2) for n in slots],
        "kind": [KINDS[int(scene.kind[index, n])] for n in slots],
        "track": [_track(scene.position[index, n, :last], scene.present[index, n, :last]) for n in slots],
        "crossings": [
            {"person": one.person, "at": [round(v, 2) for v in one.point], "gap": round(one.gap, 2)} for one in met[:4]
        ],
    }


def _touched(scene: Scene, frames: int) -> int:
    """Slot of whom the ego of a single scene touched first; -1 for a wall."""
    run = scene.between(0, frames)
    clearance = (centre_distance(run) - (run.radius + own_radius(run)[:, None])[..., None])[0]
    touched = (clearance < 0).any(0)
    return int(clearance[:, int(touched.int().argmax())].argmin()) if bool(touched.any()) else -1


def _track(position: Tensor, present: Tensor) -> list[list[float] | None]:
    return [_round(p) if here else None for p, here in zip(position, present.tolist(), strict=True)]


def _round(point: Tensor) -> list[float]:
    return [round(v, 2) for v in point.tolist()]
