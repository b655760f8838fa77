"""Motion tokens: what an agent does, told in its own frame."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from jepa_social.geometry import rotate, wrap_angle
from jepa_social.scene import KINDS, Scene, known_velocity, oriented

FEATURES = 13
ROUGHNESS = 2
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


def roughness(
    change: Float[Tensor, "B N T 2"], known: Bool[Tensor, "B N T"], frames: int
) -> tuple[Float[Tensor, "B N T"], Float[Tensor, "B N T"]]:
    """How rough tracks are: an agent's own, and everybody's in its scene.

    The mean over the last `frames` of log |change|, the change (m) of an agent's displacement from one frame to the
    next, where `known`. People change theirs by a few centimetres, annotators by up to decimetres: how far a last
    displacement is to be trusted is a matter of the place, and all who are tracked there tell it together. 0 stands for
    3 cm, and for nothing known.
    """
    size = ((change.norm(dim=-1) + 0.005).log() + 3.5) * known
    total, count = (v.cumsum(-1) for v in (size, known.to(size)))
    total, count = (v - F.pad(v, (frames, 0))[..., : v.shape[-1]] for v in (total, count))
    own, scene = total / count.clamp(min=1), total.sum(1, keepdim=True) / count.sum(1, keepdim=True).clamp(min=1)
    return own, scene.expand_as(own)


class MotionTokenizer(nn.Module):
    """Embed each (agent, frame) by its velocity, acceleration and turn in its own frame, radius, kind and frame time.

    Only the present and earlier frames enter (backward differences), so the token stream is causal.

    Args:
        width: of a token.
        kinds: how many of `KINDS` are told apart, the first.
        memory: frames over which a token tells how rough tracks are (see `roughness`); 0: it does not.
    """

    def __init__(self, width: int, kinds: int = PEOPLE, memory: int = 0):
        super().__init__()
        if not 1 <= kinds <= len(KINDS):
            raise ValueError(f"model.kinds={kinds} must be in 1..{len(KINDS)}")
        self.memory = memory
        self.kind = nn.Embedding(kinds, width)
        features = FEATURES + (ROUGHNESS if memory else 0)
        self.embed = nn.Sequential(nn.Linear(features, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))

    def features(self, scene: Scene, frame: Bool[Tensor, "B N T"]) -> Float[Tensor, "B N T F"]:
        """Raw features; `frame` says who is oriented."""
        dt = scene.dt.view(-1, 1, 1)
        known = (known_velocity(scene.present) | (scene.velocity.abs().sum(-1) > 0)) & scene.present
        steady = known & _earlier(known, 2)
        change = (scene.velocity - _earlier(scene.velocity, 2)) * steady[..., None]
        rough = roughness(change * dt[..., None], steady, self.memory) if self.memory else ()
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
            *rough,
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
