"""How many directions latents use: ranks and spectra, over everything, over agents, and over time within an agent.

Every measure is blind to the order of its rows. They are compared between runs of the same width and number of rows:
each depends on both.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

RIDGE = 1e-4
"""Added to the within-class covariance of LiDAR (Thilak et al. 2023, their delta)."""
FLOOR = 1e-6
"""Eigenvalues below this share of the largest are rounding, not spectrum."""


def effective_rank(latents: Float[Tensor, "K D"]) -> Float[Tensor, ""]:
    """Exponential of the entropy of the normalised singular values of the centred matrix.

    RankMe (Garrido et al. 2023, eq. 1), with the mean taken out first: a constant is not a direction of information.
    """
    return _entropy_rank(torch.linalg.svdvals(latents.float() - latents.float().mean(0)))


def decay_exponent(latents: Float[Tensor, "K D"]) -> Float[Tensor, ""]:
    """Alpha of a power law `j^-alpha` through the eigenvalues of the covariance (alpha-ReQ, Agrawal et al. 2022).

    About 1 is where they find the best representations; 0 is isotropic, large is nearly collapsed. Least squares in
    logarithms, weighted by 1/j (Stringer et al. 2019) as there are ever more eigenvalues to an octave. NaN with fewer
    than two eigenvalues.
    """
    x = latents.cpu().double()  # not every accelerator has doubles
    values = torch.linalg.svdvals(x - x.mean(0)).square()
    values = values[values > FLOOR * values[:1]]
    if len(values) < 2:
        return torch.tensor(torch.nan)
    order = torch.arange(1, len(values) + 1, dtype=values.dtype)
    weight = 1 / order / (1 / order).sum()
    x, y = order.log(), values.log()
    x = x - (weight * x).sum()
    return (-(weight * x * y).sum() / (weight * x.square()).sum()).float()


def lidar(latents: Float[Tensor, "K D"], classes: Int[Tensor, "K"]) -> Float[Tensor, ""]:
    """Effective rank of what tells classes apart, scenes for instance (LiDAR, Thilak et al. 2023).

    The entropy rank of the eigenvalues of `Sw^-1/2 Sb Sw^-1/2`, each class with one vote in both covariances. Classes
    of one row are left out, as they have no within. At most the number of classes - 1; NaN with fewer than two.
    """
    x, classes = latents.cpu().double(), classes.cpu()
    count = torch.bincount(classes)
    kept = (count > 1)[classes]
    x, index = x[kept], classes[kept].unique(return_inverse=True)[1]
    count = torch.bincount(index).to(x.dtype)
    if len(count) < 2:
        return torch.tensor(torch.nan)
    mean = x.new_zeros(len(count), x.shape[1]).index_add_(0, index, x) / count[:, None]
    inner = (x - mean[index]) / (count[index][:, None] * len(count)).sqrt()
    outer = (mean - mean.mean(0)) / len(count) ** 0.5
    within = inner.T @ inner + RIDGE * torch.eye(x.shape[1], dtype=x.dtype)
    # with within = L L', the eigenvalues are the squared singular values of L^-1 outer'
    whitened = torch.linalg.solve_triangular(torch.linalg.cholesky(within), outer.T, upper=False)
    return _entropy_rank(torch.linalg.svdvals(whitened).square()).float()


def over_time(
    state: Float[Tensor, "B N T D"], present: Bool[Tensor, "B N T"]
) -> tuple[Float[Tensor, "K D"], Float[Tensor, "M D"]]:
    """What changes and what stays: latents minus their agent's mean over time (K), and those means (M).

    Over agents of at least two frames. The rank of the first says what a latent knows of what an agent *does*, that of
    the second of who and where it *is*: a model may keep the one and lose the other.
    """
    counted = present & (present.sum(-1, keepdim=True) > 1)
    weight = counted[..., None].to(state.dtype)
    mean = (state * weight).sum(2) / weight.sum(2).clamp(min=1)
    return (state - mean[:, :, None])[counted], mean[counted.any(-1)]


def clock_share(state: Float[Tensor, "B N T D"], present: Bool[Tensor, "B N T"]) -> Float[Tensor, ""]:
    """Share of the variance within agents over time that all agents have in common at a frame, 0..1.

    What everybody shares at frame t of a window is no motion but the number of frames seen: a clock, which a predictor
    foretells without a thought. A large share makes rank over time and latent drift look better than they are.
    """
    changing, _ = over_time(state, present)
    counted = present & (present.sum(-1, keepdim=True) > 1)
    frame = torch.arange(state.shape[2], device=state.device).expand(present.shape)[counted]
    total = changing.new_zeros(state.shape[2], state.shape[3]).index_add_(0, frame, changing)
    number = torch.bincount(frame, minlength=state.shape[2]).clamp(min=1)
    return (total.square().sum(-1) / number).sum() / changing.square().sum().clamp(min=1e-12)


def deviation(latents: Float[Tensor, "K D"]) -> Float[Tensor, "D"]:
    """Standard deviation of each dimension (VICReg, Bardes et al. 2022, watches and regularises the same quantity)."""
    return latents.float().std(0)


def _entropy_rank(values: Tensor) -> Tensor:
    share = values / values.sum().clamp(min=1e-12) + 1e-7
    return (-(share * share.log()).sum()).exp()
