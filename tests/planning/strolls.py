"""Scenes for planners, the planners of the real config, and a walk among people who mind nobody."""

from dataclasses import replace
from pathlib import Path

import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from jepa_social.geometry import swept_distance
from jepa_social.mind.world_model import WorldModel
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.planning.policy import Policy
from jepa_social.scene import Scene

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
SMALL = ModelConfig(width=16, depth=1, heads=2, predictor_width=16, reaction=8)


def planner_config(*overrides: str) -> DictConfig:
    """`configs/planner/default.yaml` with its solver, changed by `overrides`."""
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        config = compose("train", ["planner=default", *overrides]).planner
    OmegaConf.set_struct(config, False)
    return config


def world_model(dt: float = 0.25, speak: bool = False, depth: int = 1) -> WorldModel:
    """An untrained model: its readout says nothing beyond constant velocity unless it is to `speak`."""
    torch.manual_seed(1)
    model = WorldModel(SocialJEPA(replace(SMALL, depth=depth)), dt=dt, horizon=12).eval()
    if speak:
        torch.nn.init.normal_(model.motion.out[-1].weight, std=0.3)
    return model


def street(
    people: list[tuple[float, float, float, float]],
    dt: float = 0.25,
    frames: int = 8,
    goal: tuple[float, float] = (8.0, 0.0),
    speed: float = 1.0,
    moving: bool = True,
) -> Scene:
    """An ego at the origin on its way along x, and people `(x, y, vx, vy)` as they are now."""
    now = torch.tensor([(0.0, 0.0, speed if moving else 0.0, 0.0), *people])
    time = dt * torch.arange(1 - frames, 1).view(1, -1, 1)
    return Scene.from_arrays(now[:, None, :2] + time * now[:, None, 2:], dt, ego=0, goal=goal, speed=speed)


def walk(policy: Policy, scene: Scene, seconds: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Let the ego (agent 0) walk; others keep their velocity. Its path `[B,K+1,2]` and least clearance `[B]`, m."""
    policy.reset()
    dt, least = float(scene.dt[0]), torch.full((len(scene.dt),), torch.inf)
    reach = scene.radius[:, 1:] + scene.radius[:, :1]
    path = [scene.position[:, 0, -1]]
    for _ in range(round(seconds / dt)):
        velocity = scene.velocity[:, :, -1].clone()
        velocity[:, 0] = policy.act(scene)
        position = scene.position[:, :, -1] + dt * velocity
        apart = scene.position[:, 1:, -1] - scene.position[:, :1, -1], position[:, 1:] - position[:, :1]
        if scene.agents > 1:
            least = torch.minimum(least, (swept_distance(*apart) - reach).amin(1))
        track = torch.cat((scene.position[:, :, 1:], position[:, :, None]), dim=2)
        scene = Scene.from_arrays(
            track, dt, present=scene.present, radius=scene.radius, ego=scene.ego, goal=scene.goal, speed=scene.speed
        )
        path.append(position[:, 0])
    return torch.stack(path, dim=1), least
