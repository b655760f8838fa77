"""The scores of `navigation` as a torchmetrics metric: fed batch by batch, on one process or many."""

from dataclasses import fields

import torch
from torch import Tensor
from torchmetrics import Metric

from jepa_social.evaluation.episodes import Episodes
from jepa_social.evaluation.navigation import Navigation, navigation

SCORES = tuple(field.name for field in fields(Navigation))


class NavigationMetrics(Metric):
    """Means over episodes of every score of `Navigation`, each over the episodes in which it has a meaning.

    How the episodes are cut into batches changes nothing. `compute` gives name to mean, NaN where no episode counts.
    """

    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self):
        super().__init__()
        self.add_state("total", torch.zeros(len(SCORES), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros(len(SCORES), dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, episodes: Episodes) -> None:
        """Add episodes of one policy."""
        columns = navigation(episodes).columns()
        values = torch.stack([columns[name] for name in SCORES]).double().to(self.total.device)
        self.total += values.nansum(1)
        self.count += (~values.isnan()).sum(1)

    def compute(self) -> dict[str, Tensor]:
        """Name to mean."""
        return dict(zip(SCORES, self.total / self.count, strict=True))
