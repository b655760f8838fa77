"""`SocialJEPA`: a world model of a set of agents, learned by predicting latents.

A context encoder f embeds every agent at every frame, a predictor g rolls the latents forward under the ego's plan a,
and a target encoder f' (a moving average of f, or f itself) says what they should have been:

    z_t = f(x_<=t)          zhat_{t+k} = g(z_t, a_{t..t+k-1})          loss = sum_k d(zhat_{t+k}, f'(x_<=t+k))

over *all* agents, the ego and the others. A latent lives in its agent's own frame of reference, so where that frame
has got to is imagined with it (`journey`). The joint-embedding predictive architecture is LeCun (2022); acting on its
latents
follows V-JEPA 2-AC (Assran et al. 2025). New here: a scene is a set, and the others' futures are conditioned on the
ego's plan.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from jepa_social.models.encoder import SceneEncoder, Stream
from jepa_social.models.intents import Intents
from jepa_social.models.journey import JOURNEY
from jepa_social.models.latents import Anchor, Latents
from jepa_social.models.pixels import Pixels
from jepa_social.models.predictor import Predictor
from jepa_social.models.tokenizer import PEOPLE, has_frame
from jepa_social.scene import Scene


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of a model; `configs/model/` holds the dial tiny | small | base.

    Attributes:
        width: of the latents, D.
        depth: encoder blocks.
        heads: attention heads, of encoder and predictor.
        mlp_ratio: hidden over outer width of the MLPs.
        predictor_width: of the predictor's hidden state.
        predictor_depth: predictor blocks per imagined step.
        reaction: width of what a plan does to others, computed for every plan.
        intent_width: width of what a code changes, computed for every code.
        intents: codes for what the context cannot tell (see `intents`); 0: none.
        window: frames that a latent may look back.
        reach: m beyond which agents do not see each other.
        neighbours: most others that an agent sees at one instant, the nearest.
        walls: width of what a wall is embedded in; 0: walls are not seen.
        kinds: how many of `scene.KINDS` are told apart: agents alone, or things too.
        tokenizer: how pictures become tokens; None: tokens are made of states.
    """

    width: int = 64
    depth: int = 2
    heads: int = 4
    mlp_ratio: float = 2.0
    predictor_width: int = 64
    predictor_depth: int = 1
    reaction: int = 32
    intent_width: int = 32
    intents: int = 20
    window: int = 20
    reach: float = 10.0
    neighbours: int = 24
    walls: int = 0
    kinds: int = PEOPLE
    tokenizer: Pixels | None = None

    @staticmethod
    def of(settings: Mapping) -> "ModelConfig":
        """From plain settings, as configs and `config.json` hold them."""
        pixels = settings.get("tokenizer")
        return ModelConfig(**{**settings, "tokenizer": None if pixels is None else Pixels(**pixels)})


class SocialJEPA(nn.Module):
    """Context encoder, target encoder and predictor (see the module's docstring)."""

    def __init__(self, config: ModelConfig, teacher: bool = True):
        super().__init__()
        if config.neighbours < 1:
            raise ValueError(f"model.neighbours={config.neighbours} must be >= 1")
        if config.walls < 0:
            raise ValueError(f"model.walls={config.walls} must be >= 0")
        self.config = config
        self.encoder = SceneEncoder(
            config.width,
            config.depth,
            config.heads,
            config.mlp_ratio,
            config.window,
            config.reach,
            config.neighbours,
            config.kinds,
            config.tokenizer,
            config.walls,
        )
        self.predictor = Predictor(
            config.width,
            config.predictor_width,
            config.reaction,
            config.predictor_depth,
            config.heads,
            config.mlp_ratio,
            config.reach,
            config.neighbours,
            config.walls,
        )
        self.intents = (
            Intents(config.width + JOURNEY, config.predictor_width, config.intent_width, config.intents)
            if config.intents
            else None
        )
        self.teacher = deepcopy(self.encoder).requires_grad_(False) if teacher else None

    def encode(self, scene: Scene) -> Latents:
        """Context latents of all agents and frames, causal in time."""
        return Latents(self.encoder(scene), has_frame(scene), scene)

    def encode_step(self, frame: Scene, stream: Stream | None = None) -> tuple[Latents, Stream]:
        """Context latents of one new frame (T = 1); the same numbers as `encode` gives for it, at one frame's cost."""
        state, stream = self.encoder.step(frame, stream)
        return Latents(state, has_frame(stream.scene, stream.oriented_before)[..., -1:], frame), stream

    def encode_target(self, scene: Scene) -> Float[Tensor, "B N T D"]:
        """Latents that the predictor is to meet: the moving average's (no gradient), or else the encoder's own."""
        if self.teacher is None:
            return self.encoder(scene)
        with torch.no_grad():
            return self.teacher.eval()(scene)

    def imagine(
        self,
        latents: Latents | Anchor,
        ego_actions: Float[Tensor, "B S H 2"] | None = None,
        horizon: int | None = None,
        foreseen: Float[Tensor, "B N H P"] | None = None,
        intent: Int[Tensor, "B S N"] | None = None,
    ) -> Float[Tensor, "B S N H E"]:
        """Imagined futures of all agents, for each of S ego plans or intents, from the last encoded frame on.

        Each is a latent (the first D numbers) and the journey of its frame (the last two, see `journey`). Rows of
        agents that are absent in the last frame mean nothing.

        Args:
            latents: of the present (`encode`), or an anchor taken from it.
            ego_actions: velocity commands, world frame, m/s; ignored in scenes whose ego is -1. None: the ego's plan
                is unknown too.
            horizon: frames to imagine; may be left out when `ego_actions` tells.
            foreseen: what `foresee` gave for the same anchor and horizon, to judge many sets of plans at the cost of
                one rollout.
            intent: a code per agent for each of the S futures (one plan goes with all of them, or each with its own);
                None: what is expected on average.

        Raises:
            ValueError: neither a horizon nor actions, or codes for a model without intents.
        """
        if horizon is None:
            if ego_actions is None:
                raise ValueError("imagine needs a horizon when no ego_actions are given")
            horizon = ego_actions.shape[2]
        anchor = latents.at() if isinstance(latents, Latents) else latents
        if foreseen is None:
            foreseen = self.foresee(anchor, horizon)
        if ego_actions is None:
            imagined = self.predictor.latents(foreseen)
        else:
            imagined = self.predictor.react(anchor, foreseen, ego_actions)
        if intent is None:
            return imagined
        if self.intents is None:
            raise ValueError("this model has no intents: train one with model.intents=20")
        return imagined + self.intents(foreseen, intent)

    def foresee(self, anchor: Anchor, horizon: int) -> Float[Tensor, "B N H P"]:
        """The part of `imagine` that does not depend on the ego's plan."""
        return self.predictor.foresee(anchor, horizon)

    @torch.no_grad()
    def update_teacher(self, momentum: float) -> None:
        """Move the target encoder towards the context encoder."""
        if self.teacher is not None:
            for slow, fast in zip(self.teacher.parameters(), self.encoder.parameters(), strict=True):
                slow.lerp_(fast, 1.0 - momentum)

    def online_parameters(self) -> Iterator[nn.Parameter]:
        """Parameters that gradients train."""
        return (p for p in self.parameters() if p.requires_grad)

    def describe(self) -> dict:
        """What rebuilds this model: goes into `config.json`."""
        return {"model": asdict(self.config), "teacher": self.teacher is not None}
