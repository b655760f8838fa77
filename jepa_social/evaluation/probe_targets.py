"""What probes ask latents for: labels from whole windows, in each agent's own frame at the last observed frame.

Labels look at the future and at whole recordings; models never do. An agent is asked about if it is present in the
last observed frame and has a heading, as its own frame needs one. NaN where a label is not known.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from jepa_social.evaluation.forecasting import constant_velocity
from jepa_social.geometry import distances, to_frame
from jepa_social.kinematics import MIN_SPEED, known_velocity, oriented
from jepa_social.scene import Scene
from jepa_social.worlds.groups import PACE, STEADY, TOGETHER

SOON, LATER = 1.2, 4.8
"""s ahead of the displacements asked for (the last frame, where windows end before)."""
CLOSE, WITHIN = 1.0, 2.0
"""m of an interaction and s within which it is to come."""
NEAR = 4.0
"""m apart at most: the pairs that are asked about. Strangers across the street are no question."""
REACH = 10.0
"""m within which a neighbour's position is asked for."""

AGENT_TARGETS = {
    "motion": "r2", "soon": "r2", "later": "r2", "departure": "r2", "neighbour": "r2", "goal": "r2", "meeting": "auc",
}  # fmt: skip
"""What is asked of one agent, and how it is scored; `describe` says what each is."""
PAIR_TARGETS = {"group": "auc"}
TARGETS = AGENT_TARGETS | PAIR_TARGETS


@dataclass(frozen=True)
class Labels:
    """Labels of a batch of windows.

    Attributes:
        agent: target to `[B,N,C]`: `motion`, velocity now, m/s; `soon` and `later`, displacement over the next 1.2 and
            4.8 s, m; `departure`, `later` minus what constant velocity would give, m; `neighbour`, the nearest other's
            position, m; `goal`, where the agent was last seen in its recording (or the simulator's goal), m;
            `meeting`, 1 if it will come nearer than 1 m to anybody within 2 s, NaN if it already is.
        asked: `[B,N]` whose labels count.
        pairs: `[P,3]` window and two agents, i < j, present throughout and at most `NEAR` apart now.
        group: `[P,1]` 1 if they walk together.
    """

    agent: dict[str, Tensor]
    asked: Tensor
    pairs: Tensor
    group: Tensor


def label_windows(scene: Scene, observed: int, goal: Tensor) -> Labels:
    """Labels of whole windows.

    Args:
        scene: windows `[B,N,T]`.
        observed: frames that models see.
        goal: `[B,N,2]` m, world frame, NaN where unknown.

    Raises:
        ValueError: the window has no future.
    """
    if not 0 < observed < scene.frames:
        raise ValueError(f"windows of {scene.frames} frames cannot be labelled with {observed} of them observed")
    now = observed - 1
    origin, heading = scene.position[:, :, now], scene.heading[:, :, now]
    past = scene.between(0, observed)
    asked = oriented(past.velocity, past.present)[:, :, now]
    zero = torch.zeros_like(origin)

    def ahead(seconds: float) -> tuple[Tensor, int]:
        steps = min(max(1, round(seconds / float(scene.dt[0]))), scene.frames - observed)
        moved = to_frame(scene.position[:, :, now + steps], origin, heading)
        return torch.where(scene.present[:, :, now + steps, None], moved, torch.nan), steps

    soon, later = ahead(SOON)[0], ahead(LATER)
    coasted = to_frame(constant_velocity(scene, observed, later[1])[:, :, -1], origin, heading)
    agent = {
        "motion": torch.where(_moved(past), to_frame(past.velocity[:, :, now], zero, heading), torch.nan),
        "soon": soon,
        "later": later[0],
        "departure": later[0] - coasted,
        "neighbour": _neighbour(scene, now, heading),
        "goal": to_frame(goal, origin, heading),
        "meeting": _meeting(scene, now),
    }
    pairs = _pairs(scene, now, asked)
    return Labels(agent, asked, pairs, same_group(scene, pairs)[:, None].float())


def same_group(scene: Scene, pairs: Tensor) -> Tensor:
    """Whether pairs `[P,3]` (window, i, j) walk together over the whole window: `[P]` bool.

    McPhail & Wohlstein (1982), as used by Ge, Collins & Ruback (2012): within 7 feet (2.13 m) of one another, at the
    same speed and in the same direction. Their tolerances are made for hand-measured paths; here the distance must hold
    in `STEADY` of all frames, and mean velocities differ by at most `PACE`. People who both stand are no such pair.
    """
    window, i, j = pairs.unbind(-1)
    path = scene.position[window, i], scene.position[window, j]
    near = ((path[0] - path[1]).norm(dim=-1) < TOGETHER).float().mean(-1) >= STEADY
    span = scene.dt[window, None] * (scene.frames - 1)
    mean = [(one[:, -1] - one[:, 0]) / span for one in path]
    moving = torch.stack([one.norm(dim=-1) for one in mean]).amin(0) > MIN_SPEED
    return near & moving & ((mean[0] - mean[1]).norm(dim=-1) <= PACE)


def nearest_others(scene: Scene, frame: int, most: int) -> tuple[Tensor, Tensor]:
    """Indices `[B,N,most]` of the nearest others at `frame`, nearest first, and their distance (m, inf: nobody).

    Absent agents have no others and are nobody's.
    """
    distance = _gaps(scene.position[:, :, frame], scene.present[:, :, frame])
    if scene.agents < most:
        distance = torch.nn.functional.pad(distance, (0, most - scene.agents), value=torch.inf)
    found = distance.topk(most, dim=-1, largest=False)
    return found.indices.clamp(max=scene.agents - 1), found.values


def _moved(past: Scene) -> Tensor:
    """Whose present velocity is known, by a difference or as logged: `[B,N,1]`."""
    return (known_velocity(past.present)[..., -1] | (past.velocity[:, :, -1].abs().sum(-1) > 0))[..., None]


def _gaps(position: Tensor, present: Tensor) -> Tensor:
    """Distances `[B,N,N]` m, inf to oneself and where either is absent."""
    gap = distances(position, position)
    both = present[:, :, None] & present[:, None] & ~torch.eye(gap.shape[-1], dtype=torch.bool, device=gap.device)
    return gap.masked_fill(~both, torch.inf)


def _neighbour(scene: Scene, now: int, heading: Tensor) -> Tensor:
    index, distance = nearest_others(scene, now, 1)
    rows = torch.arange(len(index), device=index.device)[:, None]
    position = to_frame(scene.position[rows, index[..., 0], now], scene.position[:, :, now], heading)
    return torch.where(distance < REACH, position, torch.nan)


def _meeting(scene: Scene, now: int) -> Tensor:
    """`[B,N,1]`; NaN too for agents that leave before it can be told."""
    stop = min(now + max(1, round(WITHIN / float(scene.dt[0]))), scene.frames - 1)
    gaps = [_gaps(scene.position[:, :, t], scene.present[:, :, t]).amin(-1) for t in range(now, stop + 1)]
    meets = (torch.stack(gaps[1:]) < CLOSE).any(0)
    known = (meets | scene.present[:, :, now : stop + 1].all(-1)) & (gaps[0] >= CLOSE)
    return torch.where(known, meets.float(), torch.nan)[..., None]


def _pairs(scene: Scene, now: int, asked: Tensor) -> Tensor:
    whole = scene.present.all(-1) & asked
    gap = _gaps(scene.position[:, :, now], whole)
    return (gap.triu(1).masked_fill(torch.ones_like(gap).tril().bool(), torch.inf) < NEAR).nonzero()
