"""Proximal policy optimisation (Schulman et al. 2017, Stable-Baselines3's) of an attention policy."""

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from omegaconf import DictConfig
from stable_baselines3 import PPO
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

from jepa_social.planning.learned import OWN, Actor, Attention, unflatten
from jepa_social.rl.vec_env import CrowdVecEnv


class Crowded(BaseFeaturesExtractor):
    """`Attention` of flat observations."""

    def __init__(self, observation_space: spaces.Box, width: int):
        super().__init__(observation_space, OWN + width)
        self.attention = Attention(width)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """`[B,OWN+width]`."""
        return self.attention(*unflatten(observations))


def build_learner(config: DictConfig, env: CrowdVecEnv) -> PPO:
    """A fresh learner whose mean action is to go straight at full speed."""
    rate = config.ppo.learning_rate
    settings: dict[str, Any] = {**config.ppo, "learning_rate": lambda left: rate * max(left, 0.05)}
    width = config.width
    network = {
        "features_extractor_class": Crowded,
        "features_extractor_kwargs": {"width": width},
        "net_arch": {"pi": [width, width], "vf": [width, width]},
        "log_std_init": float(np.log(config.noise)),
    }
    learner = PPO("MlpPolicy", env, policy_kwargs=network, seed=config.seed, device="cpu", **settings)
    with torch.no_grad():
        straight = torch.tensor([1.0, 0.0])
        learner.policy.action_net.bias.copy_(straight)  # pyright: ignore[reportAttributeAccessIssue,reportCallIssue]
    return learner


def actor_of(learner: PPO, width: int) -> Actor:
    """The mean action of a learner as a network that needs no Stable-Baselines3."""
    policy: Any = learner.policy
    actor = Actor(width)
    actor.attention.load_state_dict(policy.features_extractor.attention.state_dict())
    layers = [*policy.mlp_extractor.policy_net, policy.action_net]
    for mine, theirs in zip(actor.head, layers, strict=True):
        mine.load_state_dict(theirs.state_dict())
    return actor
