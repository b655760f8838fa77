"""Motion tokens: what an agent does, told in its own frame."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from jepa_social.geometry import rotate, wrap_angle
from jepa_social.kinematics import known_velocity, oriented
from jepa_social.scene import KINDS, Scene

FEATURES = 13
PEOPLE = 5
"""How many of `KINDS` are agents; things follow."""


def _earlier(x: Tensor, dim: int) -> Tensor:
    """`x` one frame earlier; zeros (or false) in the first frame."""
    first = torch.zeros_like(x.narrow(dim, 0, 1))
    return torch.cat((first, x.narrow(dim, 0, x.shape[dim] - 1)), dim=dim)


def has_frame(scene: Scene, before: Bool[Tensor, "B N"] | None = None) -> Bool[Tensor, "B N T"]:
    """Where an agent has a heading to stand on; `before` says who had one before this scene's first frame."""
    seen = oriented(scene.velocity, scene.present)
    return seen if before is None else (seen | before[..., None]) & scene.present


class MotionTokenizer(nn.Module):
    """Embed each (agent, frame) by its velocity, acceleration and turn in its own frame, radius, kind and frame time.

    Only the present and earlier frames enter (backward differences), so the token stream is causal.

    Args:
        width: of a token.
        kinds: how many of `KINDS` are told apart, the first.
    """

    def __init__(self, width: int, kinds: int = PEOPLE):
        super().__init__()
        if not 1 <= kinds <= len(KINDS):
            raise ValueError(f"model.kinds={kinds} must be in 1..{len(KINDS)}")
        self.kind = nn.Embedding(kinds, width)
        self.embed = nn.Sequential(nn.Linear(FEATURES, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))

    def features(self, scene: Scene, frame: Bool[Tensor, "B N T"]) -> Float[Tensor, "B N T F"]:
        """Raw features; `frame` says who is oriented."""
        dt = scene.dt.view(-1, 1, 1)
        known = (known_velocity(scene.present) | (scene.velocity.abs().sum(-1) > 0)) & scene.present
        steady = known & _earlier(known, 2)
        change = (scene.velocity - _earlier(scene.velocity, 2)) * steady[..., None]
        turn = wrap_angle(scene.heading - _earlier(scene.heading, 2)) * (frame & _earlier(frame, 2))
        velocity = rotate(scene.velocity, -scene.heading) * frame[..., None]
        change = rotate(change, -scene.heading) * frame[..., None]
        scalars = (
            scene.velocity.norm(dim=-1),
            turn,
            known.float(),
            steady.float(),
            frame.float(),
            scene.radius[..., None].expand_as(turn),
            dt.expand_as(turn),
        )
        return torch.cat((velocity, change, change / dt[..., None] * 0.3, torch.stack(scalars, dim=-1)), dim=-1)

    def forward(self, scene: Scene, frame: Bool[Tensor, "B N T"]) -> Float[Tensor, "B N T D"]:
        """Tokens of every agent and frame; absent ones are embedded too and must be masked by the caller."""
        kinds = self.kind.num_embeddings
        unknown = None if torch.compiler.is_compiling() else scene.kind[scene.kind >= kinds]  # a program cannot ask
        if unknown is not None and unknown.numel():
            raise ValueError(
                f"a scene holds a {KINDS[int(unknown[0])]}, and the model tells {KINDS[:kinds]} apart: "
                f"train one with model.kinds={len(KINDS)}"
            )
        return self.embed(self.features(scene, frame)) + self.kind(scene.kind)[:, :, None]
