"""Every score of one forecaster on one batch, agent by agent: what the tables average."""

from collections.abc import Sequence

import torch
from torch import Tensor

from jepa_social.evaluation.density import kde
from jepa_social.evaluation.forecasters import Forecaster
from jepa_social.evaluation.forecasting import (
    MISS,
    displacement_errors,
    joint_best,
    marginal_best,
    predicted_collisions,
)
from jepa_social.scene import Scene

SAMPLES = 20
BEST_OF = (5, 20)
DRAWS = 100
"""Draws behind likelihood and calibration (Trajectron++, Salzmann et al. 2020, takes as many)."""
SEED = 0
PROBABILISTIC = ("nll", "inside_50", "inside_90", "inside_50_final", "inside_90_final")
"""Scores of the draws; meaningless where a forecaster's draws are all alike."""


def forecast_scores(
    forecaster: Forecaster, seen: Scene, truth: Tensor, scored: Tensor, samples: bool = True
) -> dict[str, Tensor]:
    """All scores of one batch, name to `[B,N]` float, NaN where nobody is scored.

    - `ade`, `fde` (m), `miss_rate` (final error > 2 m), `collision_share` (Col-I) and `collision_truth_share` (Col-II)
      of the one best guess;
    - `ade_k`, `fde_k`: the best of the first k samples for the agent alone; `miss_rate_20`: that `fde_20` > 2 m;
    - `joint_ade_k`, `joint_fde_k`: its error in the sample that is best for the whole scene (see `joint_best`);
    - `mean_ade_20`, `mean_fde_20`, `collision_share_20`: mean over samples, neighbours from the same sample;
    - `nll` (nats, mean over steps, 100 draws), `inside_50`, `inside_90`: share of steps in which the truth lies in the
      region of highest density with 50 or 90 % of the probability; `…_final`: the last step only (see `density`);
    - `spread`: 1 where the agent's draws differ at all.

    What needs k samples is left out where the forecaster has fewer `futures`: the best of five is no best of twenty.

    Args:
        forecaster: its row.
        seen: observed frames only.
        truth: `[B,N,H,2]` m, what came next.
        scored: `[B,N]` bool, true somewhere: who counts, and whose forecasts can collide; all others are context only.
        samples: whether samples and draws are scored too, which is nearly all of the time.
    """
    horizon = truth.shape[2]
    order = scored.int().argsort(dim=1, descending=True, stable=True)[:, : int(scored.sum(1).max())]
    some, target = scored.gather(1, order), _rows(truth, order)
    out = _best_guess(_rows(forecaster.forecast(seen, horizon), order), target, some)
    best_of = [k for k in BEST_OF if k <= forecaster.futures]
    if samples and best_of:
        out |= _samples(_rows(forecaster.sample(seen, horizon, best_of[-1]), order), target, some, best_of)
    if samples:
        out |= _draws(_rows(forecaster.draw(seen, horizon, DRAWS, SEED), order), target, some)
    nobody = torch.full(scored.shape, torch.nan, dtype=truth.dtype, device=truth.device)
    return {name: nobody.scatter(1, order, v.masked_fill(~some, torch.nan)) for name, v in out.items()}


def truth_scores(truth: Tensor, scored: Tensor) -> dict[str, Tensor]:
    """How often recorded people themselves come within 0.2 m: `collision_share [B,N]`, NaN where nobody is scored."""
    touched = predicted_collisions(truth.where(scored[..., None, None], 0.0), scored)
    return {"collision_share": touched.to(truth.dtype).masked_fill(~scored, torch.nan)}


def _rows(path: Tensor, order: Tensor) -> Tensor:
    """Agents `order [B,n]` of `path [B,(S,)N,H,2]`: whom nobody scores costs nothing from here on."""
    index = order[..., None, None] if path.ndim == 4 else order[:, None, :, None, None]
    return path.gather(-3, index.expand(*path.shape[:-3], order.shape[1], *path.shape[-2:]))


def _best_guess(path: Tensor, truth: Tensor, scored: Tensor) -> dict[str, Tensor]:
    ade, fde = displacement_errors(path, truth, scored)
    return {
        "ade": ade,
        "fde": fde,
        "miss_rate": (fde > MISS).to(ade.dtype),
        "collision_share": predicted_collisions(path, scored).to(ade.dtype),
        "collision_truth_share": predicted_collisions(path, scored, others=truth).to(ade.dtype),
    }


def _samples(paths: Tensor, truth: Tensor, scored: Tensor, best_of: Sequence[int]) -> dict[str, Tensor]:
    """`paths [B,S,n,H,2]`, S the last of `best_of`.

    Samples that are all alike are scored once: the same numbers for a twentieth of the time.
    """
    if bool((paths == paths[:, :1]).all()):
        paths = paths[:, :1]
    valid = scored[:, None].expand(-1, paths.shape[1], -1)
    ade, fde = displacement_errors(paths, truth[:, None].expand_as(paths), valid)
    out = {}
    for k in best_of:
        out |= {f"ade_{k}": marginal_best(ade[:, :k]), f"fde_{k}": marginal_best(fde[:, :k])}
        out |= {f"joint_ade_{k}": joint_best(ade[:, :k]), f"joint_fde_{k}": joint_best(fde[:, :k])}
    if SAMPLES in best_of:
        out |= {f"mean_ade_{SAMPLES}": ade.mean(1), f"mean_fde_{SAMPLES}": fde.mean(1)}
        out[f"miss_rate_{SAMPLES}"] = (out[f"fde_{SAMPLES}"] > MISS).to(ade.dtype)
        out[f"collision_share_{SAMPLES}"] = predicted_collisions(paths, valid).to(ade.dtype).mean(1)
    return out


def _draws(paths: Tensor, truth: Tensor, scored: Tensor) -> dict[str, Tensor]:
    """`paths [B,S,n,H,2]`; densities are those of scored agents only."""
    draws, target = paths.transpose(1, 2)[scored].transpose(0, 1), truth[scored]  # [S,M,H,2], [M,H,2]
    spread = (draws != draws[:1]).any(0).any(-1).any(-1)
    nll, rank = kde(draws, target)
    values = {"nll": nll.mean(1), "spread": spread.to(nll.dtype)}
    for percent in (50, 90):
        inside = (rank < percent / 100).to(nll.dtype)
        values |= {f"inside_{percent}": inside.mean(1), f"inside_{percent}_final": inside[:, -1]}
    empty = torch.full(scored.shape, torch.nan, dtype=nll.dtype, device=nll.device)
    return {name: empty.masked_scatter(scored, value) for name, value in values.items()}
