"""What a village scene starts from, and how scenes of different sizes become a batch."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class VillageLayout:
    """One scene at its start: N agents, K things, V events. Cells are `(x, y)`.

    Attributes:
        walls: `[X,Y]` bool.
        start: `[N,2]` cells of agents.
        thing: `[K,2]` cells of things.
        kind: `[K]` index into `scene.KINDS`.
        boxed: `[K]` bool: lies in a box, so it is seen only while it is moved.
        known: `[N,K]` bool: the agent knows where it lies at the start.
        worth: `[N,K]` what reaching a thing is worth to the agent, in steps; -inf: it does not want it.
        svo: `[N]` rad, social value orientation (Murphy et al. 2011): 0 selfish, pi/4 weighs others like itself.
        meets: `[N]` whom it goes to meet: it heads for where it thinks that agent believes things to be; -1: nobody.
        event: `[V,4]` time, thing, x, y: then it is moved there.
    """

    walls: np.ndarray
    start: np.ndarray
    thing: np.ndarray
    kind: np.ndarray
    boxed: np.ndarray
    known: np.ndarray
    worth: np.ndarray
    svo: np.ndarray
    meets: np.ndarray
    event: np.ndarray


@dataclass
class Batch:
    """The same for E scenes, padded: absent agents and things, worth -inf, events at time -1."""

    walls: Tensor
    start: Tensor
    thing: Tensor
    kind: Tensor
    boxed: Tensor
    known: Tensor
    worth: Tensor
    svo: Tensor
    meets: Tensor
    event: Tensor
    agents: Tensor
    things: Tensor

    def valued(self) -> Float[Tensor, "E N K"]:
        """What each thing is worth to each agent once others' welfare is counted in: cos(svo) of its own worth, less
        sin(svo) of the most that another values it; -inf: it does not want it."""
        svo, finite = self.svo[..., None], self.worth.isfinite()
        shared = torch.where(finite & self.agents[..., None], self.worth, 0.0).clamp(min=0)
        most = shared.topk(min(2, shared.shape[1]), dim=1).values
        rival = torch.where(shared == most[:, :1], most[:, -1:], most[:, :1]) if shared.shape[1] > 1 else 0 * shared
        return torch.where(finite, svo.cos() * torch.where(finite, self.worth, 0.0) - svo.sin() * rival, -torch.inf)


PADDING = {"worth": -np.inf, "event": -1, "meets": -1}


def batched(layouts: Sequence[VillageLayout], device: torch.device) -> Batch:
    """Stack layouts of one grid size.

    Raises:
        ValueError: grids of different sizes.
    """
    if len({layout.walls.shape for layout in layouts}) > 1:
        raise ValueError(f"scenes of one batch must share a grid: {sorted({la.walls.shape for la in layouts})}")
    stacked = {}
    for name in (field.name for field in fields(VillageLayout)):
        values = [np.asarray(getattr(layout, name)) for layout in layouts]
        shape = np.max([value.shape for value in values], axis=0)
        out = np.full((len(values), *shape), PADDING.get(name, 0), values[0].dtype)
        for row, value in zip(out, values, strict=True):
            row[tuple(slice(size) for size in value.shape)] = value
        stacked[name] = torch.as_tensor(out, device=device)

    def there(counts: list[int], most: int) -> Tensor:
        return torch.arange(most, device=device) < torch.tensor(counts, device=device)[:, None]

    return Batch(
        **stacked,
        agents=there([len(layout.start) for layout in layouts], stacked["start"].shape[1]),
        things=there([len(layout.thing) for layout in layouts], stacked["thing"].shape[1]),
    )
