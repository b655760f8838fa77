"""What a robot pays at run time: encoding the newest frame, and imagining under many plans."""

from collections.abc import Callable

import torch

from benchmarks.references import ACTION, OBSERVED, GruVicReg, LeWorldModel
from benchmarks.scenes import walks
from benchmarks.training import AGENTS, SIZE
from jepa_social.models.jepa import SocialJEPA


def _model() -> SocialJEPA:
    torch.manual_seed(0)
    return SocialJEPA(SIZE, teacher=False).eval()


def stream_cases(scenes: int, frames: int = SIZE.window) -> dict[str, Callable[[], object]]:
    """One more frame of `scenes` x 8 agents with `frames` seen: from the stream, and by encoding all of them anew."""
    model, scene = _model(), walks(scenes, AGENTS, frames)
    stream = None
    with torch.inference_mode():
        for frame in range(frames - 1):
            _, stream = model.encode_step(scene.between(frame, frame + 1), stream)
    newest = scene.between(frames - 1, frames)

    @torch.inference_mode()
    def step() -> object:
        return model.encode_step(newest, stream)

    @torch.inference_mode()
    def anew() -> object:
        return model.encode(scene)

    return {"from the stream": step, "whole history anew": anew}


def rollout_cases(samples: int, horizon: int, iterations: int) -> dict[str, Callable[[], object]]:
    """All imagining of one decision by CEM in one scene of 8 agents; the scene is encoded beforehand."""
    model, scene = _model(), walks(1, AGENTS, 8)
    with torch.inference_mode():
        anchor = model.encode(scene).at()
    plans = [torch.randn(samples, horizon, ACTION) for _ in range(iterations)]
    flat: dict[str, LeWorldModel | GruVicReg] = {"LeWorldModel": LeWorldModel().eval(), "GRU and VICReg": GruVicReg()}

    @torch.inference_mode()
    def ours() -> None:
        foreseen = model.foresee(anchor, horizon)
        for plan in plans:
            model.imagine(anchor, plan[None], foreseen=foreseen)

    def theirs(reference: LeWorldModel | GruVicReg) -> Callable[[], object]:
        @torch.inference_mode()
        def roll() -> None:
            now = reference.encoder(torch.randn(1, OBSERVED))[0]
            for plan in plans:
                reference.rollout(now, plan)

        return roll

    return {"ours": ours} | {name: theirs(reference) for name, reference in flat.items()}
