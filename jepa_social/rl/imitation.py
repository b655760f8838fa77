"""A start that is not from nothing: regress on a teacher, as SARL does on ORCA (Chen et al. 2019) before it learns."""

from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO
from torch import Tensor

from jepa_social.planning.policy import Policy
from jepa_social.rl.vec_env import CrowdVecEnv

BATCH, RATE = 1024, 1.0e-3
"""Samples of a step of Adam, and its learning rate."""


def demonstrate(env: CrowdVecEnv, teacher: Policy, steps: int, noise: float, gamma: float) -> tuple[Tensor, ...]:
    """Observations `[M,F]`, the teacher's actions `[M,2]` and discounted returns `[M]` of `steps` in every scene.

    What is done is what the teacher says and noise of standard deviation `noise` (Laskey et al. 2017), so that the
    student learns the way back too. Episodes that had not ended are left out.
    """
    rng = np.random.default_rng(0)
    seen, told, gained, ended = [], [], [], []
    observation = env.reset()
    for _ in range(steps):
        action = env.view.action(teacher.act(env.world.scene(1))).numpy()
        noisy = (action + noise * rng.standard_normal(action.shape)).clip(-1.0, 1.0).astype(np.float32)
        after, reward, done, _ = env.step(noisy)
        for kept, value in zip((seen, told, gained, ended), (observation, action, reward, done), strict=True):
            kept.append(value)
        observation = after
    reward, done = np.stack(gained), np.stack(ended)
    returns, known = np.zeros_like(reward), np.zeros_like(done)
    later, sure = np.zeros_like(reward[0]), np.zeros_like(done[0])
    for step in reversed(range(steps)):
        later, sure = reward[step] + gamma * later * ~done[step], sure | done[step]
        returns[step], known[step] = later, sure
    if not known.any():
        raise ValueError(f"no episode ended within rl.demonstrations={steps} steps: raise it")
    arrays = (np.stack(seen)[known], np.stack(told)[known], returns[known])
    return tuple(torch.as_tensor(value, dtype=torch.float32) for value in arrays)


def imitate(learner: PPO, samples: tuple[Tensor, ...], epochs: int, seed: int) -> float:
    """Fit the mean action to the teacher's and the value to the returns; the last epoch's mean loss."""
    policy: Any = learner.policy
    observation, action, returns = samples
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(policy.parameters(), lr=RATE)
    loss = 0.0
    for _ in range(epochs):
        total = []
        for rows in torch.randperm(len(returns), generator=generator).split(BATCH):
            mean = policy.get_distribution(observation[rows]).mode()
            value = policy.predict_values(observation[rows])[:, 0]
            error = (mean - action[rows]).square().sum(-1).mean() + (value - returns[rows]).square().mean()
            optimiser.zero_grad()
            error.backward()
            optimiser.step()
            total.append(error.item())
        loss = float(np.mean(total))
    return loss
