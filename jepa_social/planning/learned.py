"""A policy learned by reinforcement: what it sees, its network, and the file it is kept in.

The network is SARL's in spirit (Chen et al., ICRA 2019): every person is embedded together with the ego, attention
weighs them, and the weighted sum is a crowd of any size. Everything is told in the frame whose x axis points to the
goal, so that turning the world changes nothing. `python -m jepa_social.rl` trains it.
"""

import json
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from jepa_social.files import with_draft
from jepa_social.history import localised
from jepa_social.planning.plans import axes_toward
from jepa_social.scene import Scene
from jepa_social.worlds.ego import own_limits, own_radius, within_limits
from jepa_social.worlds.route import waypoint

OWN, OTHER = 5, 6
"""Numbers that tell of the ego, and of each person."""


class View:
    """A scene as a learned policy sees it, of its last frame only: the ego and the people nearest to it.

    Walls are seen only in that the goal is the next `waypoint` round them.

    Args:
        scene: with an ego, its goal and speed.
        seen: people at most, the nearest.

    Raises:
        ValueError: the ego, its goal or its speed is missing.
    """

    def __init__(self, scene: Scene, seen: int):
        _, speed = own_limits(scene)
        assert scene.goal is not None
        near = scene.nearest(1 + seen)
        here, velocity, radius = near.position[:, 0, -1], near.velocity[:, 0, -1], own_radius(scene)
        aim = waypoint(here, scene.goal, scene.walls, radius)
        self.scene, self.speed, self.axes = scene, speed, axes_toward(here, aim)
        left = (aim - here).norm(dim=-1, keepdim=True)
        self.own = torch.cat((left, speed[:, None], radius[:, None], self._turned(velocity[:, None])[:, 0]), dim=-1)
        offset = near.position[:, 1:, -1] - here[:, None]
        reach = near.radius[:, 1:, None] + radius[:, None, None]
        away = offset.norm(dim=-1, keepdim=True)
        told = (self._turned(offset), self._turned(near.velocity[:, 1:, -1]), reach, away)
        self.there = near.present[:, 1:, -1]
        self.others = torch.cat(told, dim=-1) * self.there[..., None]

    def flat(self, slots: int) -> Float[Tensor, "B F"]:
        """All in one vector a scene, people in `slots` of `OTHER` numbers and a 1 each, empty ones 0."""
        rows = torch.cat((self.others, self.there[..., None].to(self.others)), dim=-1)
        rows = torch.nn.functional.pad(rows, (0, 0, 0, slots - rows.shape[1]))
        return torch.cat((self.own, rows.flatten(1)), dim=1)

    def command(self, action: Float[Tensor, "B 2"]) -> Float[Tensor, "B 2"]:
        """An action, in units of the preferred speed and in the goal's frame, as a velocity in m/s, world frame."""
        velocity = torch.einsum("bd,bde->be", action, self.axes) * self.speed[:, None]
        return within_limits(velocity, self.scene)

    def action(self, velocity: Float[Tensor, "B 2"]) -> Float[Tensor, "B 2"]:
        """The inverse of `command`."""
        return self._turned(velocity[:, None])[:, 0] / self.speed[:, None].clamp(min=1e-6)

    def _turned(self, vector: Float[Tensor, "B K 2"]) -> Float[Tensor, "B K 2"]:
        return torch.einsum("bke,bde->bkd", vector, self.axes)


def unflatten(flat: Float[Tensor, "B F"]) -> tuple[Tensor, Tensor, Tensor]:
    """`own [B,OWN]`, `others [B,K,OTHER]` and `there [B,K]` of what `View.flat` gave."""
    rows = flat[:, OWN:].unflatten(1, (-1, OTHER + 1))
    return flat[:, :OWN], rows[..., :OTHER], rows[..., OTHER] > 0.5


class Attention(nn.Module):
    """The ego and any number of people as one vector of `width + OWN` numbers.

    Args:
        width: of all layers.
    """

    def __init__(self, width: int):
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(OWN + OTHER, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.value = nn.Linear(width, width)
        self.score = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(
        self, own: Float[Tensor, "B _"], others: Float[Tensor, "B K _"], there: Bool[Tensor, "B K"]
    ) -> Float[Tensor, "B D"]:
        """What is not `there` changes nothing; with nobody about the crowd's part is 0."""
        embedded = self.embed(torch.cat((own[:, None].expand(-1, others.shape[1], -1), others), dim=-1))
        mask = there[..., None].to(embedded)
        mean = (embedded * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp(min=1.0)
        score = self.score(torch.cat((embedded, mean.expand_as(embedded)), dim=-1))
        weight = score.masked_fill(~there[..., None], -1e9).softmax(dim=1) * mask
        return torch.cat((own, (weight * self.value(embedded)).sum(1)), dim=-1)


class Actor(nn.Module):
    """Attention and a head: the mean action.

    Args:
        width: of all layers.
    """

    def __init__(self, width: int):
        super().__init__()
        self.width, self.attention = width, Attention(width)
        layers = (nn.Linear(OWN + width, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 2))
        self.head = nn.Sequential(*layers)

    def forward(self, view: View) -> Float[Tensor, "B 2"]:
        """In units of the preferred speed, in the goal's frame."""
        return self.head(self.attention(view.own, view.others, view.there)).clamp(-1.0, 1.0)

    def save(self, path: str | Path, seen: int) -> None:
        """Write weights, width and the number of people `seen` to a safetensors file."""
        note = {"learned_policy": json.dumps({"width": self.width, "seen": seen})}
        with_draft(path, lambda draft: save_file(self.state_dict(), draft, note))


class Learned:
    """Acts as the saved `Actor` says, without noise.

    Args:
        path: of the file that `python -m jepa_social.rl` wrote.
        name: row label in tables.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is another kind of file.
    """

    def __init__(self, path: str | Path, name: str = "PPO"):
        self.name = name
        if not Path(path).is_file():
            raise FileNotFoundError(f"no learned policy at {path}: train one with `python -m jepa_social.rl`")
        with safe_open(str(path), "pt") as file:
            note = (file.metadata() or {}).get("learned_policy")
            if note is None:
                raise ValueError(f"{path} holds no learned policy: give the file that `python -m jepa_social.rl` wrote")
            sizes = json.loads(note)
            self.seen, self.actor = sizes["seen"], Actor(sizes["width"])
            self.actor.load_state_dict({key: file.get_tensor(key) for key in file.keys()})  # noqa: SIM118
        self.actor.eval()

    def reset(self) -> None:
        """Nothing is remembered."""

    @torch.inference_mode()
    def act(self, scene: Scene) -> Float[Tensor, "B 2"]:
        """Velocity command, m/s, world frame."""
        view = View(localised(scene)[0], self.seen)
        return view.command(self.actor(view))
