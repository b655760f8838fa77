"""The training step: forward, loss, backward, AdamW."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.references import ACTION, OBSERVED, GruVicReg, LeWorldModel
from benchmarks.scenes import walks
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.models.objectives import SigReg
from jepa_social.scene import Scene
from jepa_social.stages.augment import Augment
from jepa_social.stages.optim import Schedule
from jepa_social.stages.pretrain import Pretrain

SIZE = ModelConfig(width=128, depth=2, heads=4, predictor_width=128, predictor_depth=2)
"""The size that the target is set for: width 128, two encoder and two predictor layers."""
AGENTS, FRAMES, HORIZON, STARTS = 8, 9, 4, 2
"""A window of 9 steps; two rollouts of 4 steps predict 8 frames, as many as the references do."""


def stepper(parameters: list[Tensor], loss: Callable[[], Tensor]) -> Callable[[], object]:
    """One optimiser step on `loss`."""
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, fused=True)

    def step() -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return step


def pretraining(scene: Scene, horizon: int = HORIZON, size: ModelConfig = SIZE, projections: int = 64) -> Pretrain:
    """Our stage with a fresh model; horizon and starts as above."""
    if scene.frames <= horizon:
        raise ValueError(f"{scene.frames} frames leave nothing to observe at a horizon of {horizon}")
    torch.manual_seed(0)
    model = SocialJEPA(size, teacher=False)
    return Pretrain(model, SigReg(projections=projections), Schedule(), Augment(), horizon=horizon, starts=STARTS)


def ours(
    scenes: int,
    agents: int = AGENTS,
    frames: int = FRAMES,
    neighbours: int = SIZE.neighbours,
    half: bool = False,
) -> Callable[[], object]:
    """Our training step; `half` lets autocast compute products in bfloat16."""
    scene = walks(scenes, agents, frames)
    stage = pretraining(scene, size=replace(SIZE, neighbours=neighbours))

    def loss() -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            return stage.terms(scene)[0].total

    return stepper(list(stage.model.parameters()), loss)


def reference(model: LeWorldModel | GruVicReg, batch: int, frames: int = FRAMES) -> Callable[[], object]:
    """A reference's training step on `batch` scenes, each one sequence."""
    observed, actions = torch.randn(batch, frames, OBSERVED), torch.randn(batch, frames, ACTION)
    return stepper(list(model.parameters()), lambda: model.loss(observed, actions))


def cases(batch: int) -> dict[str, tuple[Callable[[], object], int]]:
    """Steps and the scenes of 8 agents x 9 steps in each; ours also with an eighth of them, as many sequences."""
    few = max(1, batch // 8)
    return {
        f"ours, batch {batch} x 8 agents": (ours(batch), batch),
        f"ours, batch {few} x 8 agents": (ours(few), few),
        f"ours, batch {few}, bfloat16 products": (ours(few, half=True), few),
        "LeWorldModel, 1024 projections": (reference(LeWorldModel(projections=1024), batch), batch),
        "LeWorldModel, 256 projections": (reference(LeWorldModel(projections=256), batch), batch),
        "GRU and VICReg": (reference(GruVicReg(), batch), batch),
    }
