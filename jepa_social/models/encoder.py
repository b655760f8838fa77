"""Scene encoder: a factorised space–time transformer over (agent, frame) tokens, causal in time."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from jepa_social.models.layers import FeedForward, RelativeAttention, Sight
from jepa_social.models.neighbours import look_around
from jepa_social.models.pixels import Pixels, PixelTokenizer
from jepa_social.models.poses import (
    SOCIAL_FEATURES,
    TEMPORAL_FEATURES,
    facing,
    temporal_pose,
    vector_pairs,
)
from jepa_social.models.tokenizer import PEOPLE, MotionTokenizer, has_frame
from jepa_social.models.walls import Walls, none_shared
from jepa_social.scene import OF_FRAMES, Scene

Keys = tuple[Tensor, Tensor]


@dataclass
class Stream:
    """What a streamed encoding remembers: the last frames, who was oriented before them, keys and values per layer."""

    scene: Scene
    oriented_before: Tensor
    keys: list[Keys]


class EncoderBlock(nn.Module):
    """Attention over an agent's own past, then over the agents of the same frame, then an MLP (all pre-norm)."""

    def __init__(self, width: int, heads: int, ratio: float):
        super().__init__()
        self.time_norm = nn.LayerNorm(width)
        self.time = RelativeAttention(width, heads, TEMPORAL_FEATURES)
        self.social_norm = nn.LayerNorm(width)
        self.social = RelativeAttention(width, heads, SOCIAL_FEATURES)
        self.feed = FeedForward(width, ratio)

    def forward(self, x: Tensor, past: Keys | None, time: Sight, social: Sight) -> tuple[Tensor, Keys]:
        """`x [B,N,T,D]`; returns the new tokens and this layer's keys and values over all frames known so far."""
        normed = self.time_norm(x)
        keys = self.time.keys(normed)
        if past is not None:
            keys = (torch.cat((past[0], keys[0]), dim=-2), torch.cat((past[1], keys[1]), dim=-2))
        x = x + self.time(normed, keys, time)
        normed = self.social_norm(x).transpose(1, 2)
        seen = self.social(normed, self.social.keys(normed), social)
        return self.feed(x + seen.transpose(1, 2)), keys


class SceneEncoder(nn.Module):
    """`encode(scene) -> [B,N,T,D]`: all agents in one pass, each token knowing only frames up to its own.

    Args:
        window: frames that a token may look back, itself included (per layer); a stream keeps no more.
        reach: m beyond which agents do not attend to each other.
        neighbours: most agents that one attends to, the nearest.
        kinds: see `MotionTokenizer`.
        pixels: tokens come from pictures of this kind; None: from states.
        walls: width of what a wall is embedded in; 0: walls are not seen.
    """

    def __init__(
        self,
        width: int,
        depth: int,
        heads: int,
        mlp_ratio: float,
        window: int,
        reach: float,
        neighbours: int,
        kinds: int = PEOPLE,
        pixels: Pixels | None = None,
        walls: int = 0,
    ):
        super().__init__()
        self.window, self.reach, self.neighbours = window, reach, neighbours
        self.tokenizer = MotionTokenizer(width, kinds) if pixels is None else PixelTokenizer(width, pixels)
        self.walls = Walls(walls, width, reach) if walls else None
        self.blocks = nn.ModuleList(EncoderBlock(width, heads, mlp_ratio) for _ in range(depth))
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.head = nn.Linear(width, width)

    def forward(self, scene: Scene) -> Float[Tensor, "B N T D"]:
        """Encode all frames at once; latents of absent agents are zero."""
        return self._encode(scene, has_frame(scene), new=scene.frames, past=None)[0]

    def step(self, frame: Scene, stream: Stream | None = None) -> tuple[Float[Tensor, "B N 1 D"], Stream]:
        """Encode one new frame (a scene with T = 1) and update the stream. Equals `forward` on all frames so far.

        The cost is one frame's, whatever the history. Agents must keep their slots.
        """
        if frame.frames != 1:
            raise ValueError(f"a stream takes one frame at a time, got {frame.frames}")
        if stream is None:
            scene, before, past = frame, torch.zeros_like(frame.present[..., 0]), None
        else:
            scene, before, past = _append(stream.scene, frame), stream.oriented_before, stream.keys
        seen = has_frame(scene, before)
        latent, keys = self._encode(scene, seen, new=1, past=past)
        keep = min(self.window, scene.frames)
        drop = scene.frames - keep
        before = (before | seen[..., :drop].any(-1)) if drop else before
        keys = [(key[..., -keep:, :], value[..., -keep:, :]) for key, value in keys]
        return latent, Stream(scene.between(drop, scene.frames), before, keys)

    def _encode(
        self, scene: Scene, frame: Bool[Tensor, "B N T"], new: int, past: list[Keys] | None
    ) -> tuple[Tensor, list[Keys]]:
        """Encode the last `new` frames of `scene`, given the keys of the frames before."""
        present = scene.present[..., -new:]
        x = self.tokenizer(scene, frame)[..., -new:, :]
        time = self._time(scene, frame, new)
        newest = scene.between(scene.frames - new, scene.frames)
        social = self._social(newest, frame[..., -new:])
        if self.walls is not None and (walls := none_shared(scene.walls, scene.position)) is not None:
            radius, ahead = newest.radius[..., None].expand(present.shape), facing(newest.heading, frame[..., -new:])
            x = x + self.walls(walls[:, None, None], newest.position, newest.velocity, ahead, radius)
        keys = []
        for layer, block in enumerate(self.blocks):
            x, known = block(x, past[layer] if past else None, time, social)
            keys.append(known)
        return self.head(self.norm(x)) * present[..., None], keys

    def _time(self, scene: Scene, frame: Tensor, new: int) -> Sight:
        position, ahead = scene.position, facing(scene.heading, frame)
        frames = torch.arange(scene.frames, device=position.device)
        lag = frames[-new:, None] - frames[None, :]
        mask = (lag >= 0) & (lag < self.window) & scene.present[:, :, None, :] & scene.present[:, :, -new:, None]
        pose = temporal_pose(
            vector_pairs(position)[:, :, -new:],
            ahead[:, :, -new:, None],
            ahead[:, :, None],
            lag.clamp(min=0) * scene.dt.view(-1, 1, 1, 1),
            dim=-2,
        )
        return Sight.of(pose, mask)

    def _social(self, scene: Scene, frame: Tensor) -> Sight:
        position, velocity, ahead = (
            v.transpose(1, 2) for v in (scene.position, scene.velocity, facing(scene.heading, frame))
        )
        present = scene.present.transpose(1, 2)
        radius = scene.radius[:, None].expand(present.shape)
        return look_around(position, velocity, ahead, radius, present, self.reach, self.neighbours)


def _append(scene: Scene, frame: Scene) -> Scene:
    new = frame.clone(False)
    for name in OF_FRAMES:
        setattr(new, name, torch.cat((getattr(scene, name), getattr(frame, name)), dim=2))
    return new
