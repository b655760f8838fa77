"""Features of the `probes` suite: frozen latents or raw state of observed frames, beside labels of whole windows."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import torch
from rich.progress import track
from torch import Tensor

from jepa_social.data.dataset import SceneWindows
from jepa_social.evaluation.probe_targets import REACH, Labels, label_windows, nearest_others
from jepa_social.evaluation.probes import Samples
from jepa_social.models.jepa import SocialJEPA
from jepa_social.models.poses import facing, local, social_pose
from jepa_social.models.tokenizer import MotionTokenizer, has_frame
from jepa_social.scene import Scene

GOAL = ("goal_x", "goal_y")
"""Columns of a simulator's goals, used where `data.module.truth` asks for them."""
CHUNK = 16
"""Windows encoded at a time."""


class Features(Protocol):
    """What probes read."""

    def __call__(self, past: Scene) -> Tensor:
        """`[B,N,T,D]` of observed frames."""
        ...


class JepaFeatures:
    """Frozen latents of the context encoder."""

    def __init__(self, jepa: SocialJEPA):
        self.jepa = jepa

    def __call__(self, past: Scene) -> Tensor:
        """Latents `[B,N,T,D]`."""
        return self.jepa.encode(past).state


class RawFeatures:
    """No encoder: what the model is given of a frame, an agent's motion and how it sees the `most` nearest others.

    A strong reference: it holds the nearest neighbour's place outright, and is what a latent has to be worth more than.
    """

    def __init__(self, most: int = 2):
        self.most = most
        self.tokenizer = MotionTokenizer(1)

    def __call__(self, past: Scene) -> Tensor:
        """Raw features `[B,N,T,D]`."""
        frame = has_frame(past)
        ahead = facing(past.heading, frame)
        rows = torch.arange(len(past.dt))[:, None, None]
        around = []
        for t in range(past.frames):
            index, distance = nearest_others(past, t, self.most)
            offset = past.position[rows, index, t] - past.position[:, :, None, t]
            velocity = past.velocity[rows, index, t] - past.velocity[:, :, None, t]
            query = ahead[:, :, None, t].expand_as(offset)
            reach = past.radius[rows, index] + past.radius[:, :, None]
            pose = social_pose(offset, velocity, query, ahead[rows, index, t], reach)
            seen = torch.cat((local(offset, query), pose, torch.ones_like(offset[..., :1])), dim=-1)
            around.append((seen * (distance < REACH)[..., None]).flatten(2))
        return torch.cat((self.tokenizer.features(past, frame), torch.stack(around, dim=2)), dim=-1)


@torch.no_grad()
def gather(
    windows: SceneWindows,
    chosen: np.ndarray,
    rows: Mapping[str, Features],
    observed: int,
    others: int,
    role: str,
) -> dict[str, dict[str, Samples]]:
    """Samples by feature and target, from windows `chosen`; samples whose label is not known are left out.

    The tokens of an agent are its observed frames, the last first, then the last frames of its nearest `others`.
    """
    found: dict[str, dict[str, list[Samples]]] = {name: {} for name in rows}
    for start in track(range(0, len(chosen), CHUNK), description=f"windows to {role}"):
        picked = chosen[start : start + CHUNK]
        scene = windows.batch(picked)
        labels = label_windows(scene, observed, _goal(scene, windows, picked))
        past = scene.between(0, observed)
        for name, features in rows.items():
            tokens, known = _tokens(features(past), past, others)
            for target, samples in _samples(tokens, known, labels, start).items():
                found[name].setdefault(target, []).append(samples)
    return {name: {target: _join(parts) for target, parts in row.items()} for name, row in found.items()}


def _goal(scene: Scene, windows: SceneWindows, picked: np.ndarray) -> Tensor:
    """`[B,N,2]` m: the simulator's goal at the first frame it is known of, or where the agent is last seen."""
    if scene.truth is not None and set(GOAL) <= set(scene.truth.keys()):
        first = scene.present.float().argmax(-1, keepdim=True)
        return torch.cat([scene.truth[name].gather(-1, first) for name in GOAL], dim=-1)
    return windows.last_seen(picked)


def _tokens(state: Tensor, past: Scene, others: int) -> tuple[Tensor, Tensor]:
    """Tokens `[B,N,L,D]` and which are there."""
    index, distance = nearest_others(past, past.frames - 1, others)
    rows = torch.arange(len(state))[:, None, None]
    tokens = torch.cat((state.flip(2), state[:, :, -1][rows, index]), dim=2)
    return tokens, torch.cat((past.present.flip(2), distance < REACH), dim=2)


def _samples(tokens: Tensor, known: Tensor, labels: Labels, first: int) -> dict[str, Samples]:
    window = first + torch.arange(len(tokens))[:, None].expand(tokens.shape[:2])
    samples = {}
    for target, value in labels.agent.items():
        rows = labels.asked & ~value.isnan().any(-1)
        samples[target] = Samples(tokens[rows][:, None], known[rows][:, None], value[rows], window[rows])
    at, pair = labels.pairs[:, :1], labels.pairs[:, 1:]
    samples["group"] = Samples(tokens[at, pair], known[at, pair], labels.group, first + at[:, 0])
    return samples


def _join(parts: list[Samples]) -> Samples:
    names = ("tokens", "known", "target", "window")
    return Samples(**{name: torch.cat([getattr(part, name) for part in parts]) for name in names})
