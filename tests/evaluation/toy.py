"""A toy world and toy policies: small, exact, and the same for every seed in every batch."""

from collections.abc import Sequence

import torch
from torch import Tensor

from jepa_social.scene import Scene


class ToyWorld:
    """The ego at (-4, 0) wants to (4, 0); people walk straight across its way, by seed."""

    dt = 0.25
    limit = 20.0

    def __init__(self, people: int = 3, observed: int = 4, past: int = 0):
        self.people, self.observed, self.past = people, observed, past

    def reset(self, seeds: Sequence[int]) -> Scene:
        starts, speeds = [], []
        for seed in seeds:
            generator = torch.Generator().manual_seed(seed)
            side = torch.rand(self.people, generator=generator).sub(0.5).sign()
            x = torch.linspace(-2, 2, self.people) + 0.4 * torch.rand(self.people, generator=generator)
            starts.append(torch.stack((x, side * (3 + torch.rand(self.people, generator=generator))), -1))
            pace = 0.7 + 0.5 * torch.rand(self.people, generator=generator)
            speeds.append(torch.stack((torch.zeros_like(pace), -side * pace), -1))
        self.walk = torch.stack(speeds)
        ego = torch.tensor([-4.0, 0.0]).expand(len(seeds), 1, 2)
        self.goal = torch.tensor([4.0, 0.0]).expand(len(seeds), 2)
        now = torch.cat((ego, torch.stack(starts)), 1)
        step = torch.cat((torch.zeros_like(ego), self.walk), 1) * self.dt
        self.frames = [now - k * step for k in range(self.past, -1, -1)]
        return self._seen(self.observed)

    def step(self, action: Tensor) -> Scene:
        move = torch.cat((action[:, None], self.walk), 1)
        self.frames.append(self.frames[-1] + self.dt * move)
        return self._seen(self.observed)

    def history(self) -> Scene:
        return self._seen(len(self.frames))

    def scenario_names(self) -> list[str]:
        return ["toy"] * len(self.goal)

    def _seen(self, frames: int) -> Scene:
        return Scene.from_arrays(
            torch.stack(self.frames[-frames:], 2),
            self.dt,
            ego=0,
            goal=self.goal,
            speed=1.0,
            kind=[1] + [0] * self.people,
            walls=torch.tensor([[[-5.0, 3.0, -4.0, 3.5]]]).expand(len(self.goal), 1, 4),
        )


class Straight:
    """Straight to the goal, whoever comes."""

    def __init__(self, name: str = "straight"):
        self.name = name

    def reset(self) -> None:
        self.calls: list[int] = []

    def act(self, scene: Scene) -> Tensor:
        self.calls.append(len(scene.ego))
        away = scene.goal - scene.position[:, 0, -1]
        return away / away.norm(dim=-1, keepdim=True).clamp(min=scene.dt[:, None])


class Polite(Straight):
    """Straight to the goal, but waits while somebody is near ahead; drops finished scenes."""

    def act(self, scene: Scene) -> Tensor:
        ahead = scene.position[:, 0, -1] + torch.tensor([0.7, 0.0])
        wait = ((scene.position[:, 1:, -1] - ahead[:, None]).norm(dim=-1) < 1.1).any(1)
        return super().act(scene) * ~wait[:, None]

    def keep(self, mask: Tensor) -> None:
        self.calls.append(-int((~mask).sum()))
