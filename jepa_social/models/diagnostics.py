"""Is the latent space alive? An alarm when latents die, and dearer measures to look at now and then."""

import warnings

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from jepa_social.models.jepa import SocialJEPA
from jepa_social.models.spectra import clock_share, decay_exponent, deviation, effective_rank, lidar, over_time
from jepa_social.scene import Scene


def latent_health(state: Float[Tensor, "B N T D"], present: Bool[Tensor, "B N T"]) -> dict[str, Tensor]:
    """Scalars by name, of the latents where `present`, each scene a class of LiDAR (definitions: `spectra`).

    `time_share` is the share of variance that lies within agents over time, `clock_share` the share of that which only
    counts frames.
    """
    flat = state[present]
    scene = torch.arange(len(state), device=state.device).view(-1, 1, 1).expand(present.shape)[present]
    changing, lasting = over_time(state, present)
    centred = flat - flat.mean(0)
    return {
        "rankme": effective_rank(flat),
        "alpha_req": decay_exponent(flat),
        "lidar": lidar(flat, scene),
        "rank_over_time": effective_rank(changing),
        "rank_over_agents": effective_rank(lasting),
        "time_share": changing.square().sum() / centred.square().sum().clamp(min=1e-12),
        "clock_share": clock_share(state, present),
    }


def drift_errors(
    jepa: SocialJEPA, scene: Scene, observed: int
) -> tuple[Float[Tensor, "B N H"], Float[Tensor, "B N H"], Bool[Tensor, "B N H"]]:
    """Squared error of imagined latents, and of the last latent copied, for each agent and imagined frame.

    Nobody's plan is given. The ratio of their sums is the *latent rollout drift*: below 1, imagining beats standing
    still (but see `clock_share`: a counter of frames is easily foretold). Targets are the target encoder's latents,
    layer-normalised if it is a moving average, as `Ema` has them.

    Args:
        jepa: the model.
        scene: whole windows; only the first `observed` frames are imagined from.
        observed: frames seen.

    Returns:
        both errors and where they count: the agent is present in the last observed frame and the imagined one.

    Raises:
        ValueError: nothing is left to imagine.
    """
    horizon = scene.frames - observed
    if horizon < 1:
        raise ValueError(f"windows of {scene.frames} frames leave nothing to imagine after {observed} observed ones")
    imagined = jepa.imagine(jepa.encode(scene.between(0, observed)), horizon=horizon)[:, 0]
    target = jepa.encode_target(scene)
    imagined = imagined[..., : target.shape[-1]]
    if jepa.teacher is not None:
        target = F.layer_norm(target, target.shape[-1:])
    future, now = target[:, :, observed:], target[:, :, observed - 1 : observed]
    seen = scene.present[:, :, observed:] & scene.present[:, :, observed - 1 : observed]
    return (imagined - future).square().sum(-1), (now - future).square().sum(-1), seen


def rollout_drift(
    error: Float[Tensor, "... H"], copied: Float[Tensor, "... H"], seen: Bool[Tensor, "... H"]
) -> Float[Tensor, "H"]:
    """Latent rollout drift of each horizon step from what `drift_errors` gives; NaN where nobody is seen."""
    return (error * seen).flatten(0, -2).sum(0) / (copied * seen).flatten(0, -2).sum(0)


class CollapseWarning(UserWarning):
    """The latents carry too few directions, or hardly vary at all."""


class CollapseAlarm:
    """Warns when the effective rank falls below `share` of the width, or the spread below `least` of the latents' size.

    It waits for `patience` checks in a row, so that a noisy first batch does not ring it, and rings once per collapse.
    """

    def __init__(self, share: float = 0.125, least: float = 0.1, patience: int = 3):
        self.share, self.least, self.patience = share, least, patience
        self.bad = 0

    @property
    def ringing(self) -> bool:
        """Whether the last `patience` checks were all bad."""
        return self.bad >= self.patience

    def check(self, latents: Float[Tensor, "K D"]) -> dict[str, Tensor]:
        """Measure `latents`, warn if they have collapsed, and return the scalars to log."""
        rank, std = effective_rank(latents), deviation(latents)
        relative = std.norm() / latents.float().norm(dim=-1).mean().clamp(min=1e-12)
        dead = bool(rank < self.share * latents.shape[-1]) or bool(relative < self.least)
        self.bad = self.bad + 1 if dead else 0
        if self.bad == self.patience:
            warnings.warn(
                f"latents are collapsing: effective rank {rank:.1f} of {latents.shape[-1]}, "
                f"relative spread {relative:.3f}; raise objective.weight, or check objective.* in the config",
                CollapseWarning,
                stacklevel=2,
            )
        return {
            "effective_rank": rank,
            "relative_spread": relative,
            "std_mean": std.mean(),
            "std_min": std.min(),
            "alarm": torch.tensor(float(self.ringing)),
        }
