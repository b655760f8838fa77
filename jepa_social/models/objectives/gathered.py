"""Statistics over the batches of all processes, so that a distributed run equals one process with the whole batch.

DDP averages gradients over processes. What comes from gathered sums is the same on every process and right as it is;
what is a process's own share (`masked_mean`) is scaled by their number.
"""

import torch
import torch.distributed as dist
from jaxtyping import Bool, Float
from torch import Tensor


def processes() -> int:
    """How many processes share the batch."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def masked_mean(value: Float[Tensor, "..."], mask: Bool[Tensor, "..."] | Float[Tensor, "..."]) -> Float[Tensor, ""]:
    """Mean over true entries of `mask`, or weighed by it; in a distributed run this process's share of it.

    The mean over all is the average of the processes' shares.
    """
    total, count = (value * mask).sum(), mask.sum().to(value.dtype)
    if processes() > 1:
        dist.all_reduce(count)
    return processes() * total / count.clamp(min=1.0)


def gathered_mean(total: Float[Tensor, "..."], rows: int) -> Float[Tensor, "..."]:
    """Mean over all processes' rows, of which this one has `rows` and they sum to `total`; 0 where nobody has any."""
    count = torch.tensor(float(rows), device=total.device, dtype=total.dtype)
    if processes() > 1:
        from torch.distributed.nn.functional import all_reduce  # unlike dist.all_reduce it passes gradients

        dist.all_reduce(count)
        total = all_reduce(total)  # pyright: ignore[reportAssignmentType]
    return total / count.clamp(min=1.0)


def variance_and_covariance(latents: Float[Tensor, "K D"]) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """What VICReg (Bardes et al. 2022, eq. 1-4) asks of latents beyond agreement.

    Returns the hinge on each dimension's standard deviation below 1, averaged over dimensions, and the sum of squared
    off-diagonal covariances over D.
    """
    rows, width = latents.shape
    centred = latents - gathered_mean(latents.sum(0), rows)
    covariance = gathered_mean(centred.T @ centred, rows)
    variance = covariance.diagonal()
    spread = (1.0 - (variance + 1e-4).sqrt()).clamp(min=0).mean()
    return spread, (covariance.square().sum() - variance.square().sum()) / width
