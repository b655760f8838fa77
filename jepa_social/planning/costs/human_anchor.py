"""Moving as people would."""

from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.imagined import Imagined


class HumanAnchor:
    """Surprise at a plan under a policy cloned from logs: piKL's anchor (Jacob et al. 2022, "Modeling strong and
    human-like gameplay with KL-regularized search").

    piKL adds a weight times KL(plan || human policy) to its objective; for one certain plan that is the plan's negative
    log-likelihood up to a constant. The policy is the world model's own forecast of the ego, a Gaussian at each step,
    learned from logs in which the ego is one person among others and its goal is not known.
    """

    def __call__(self, imagined: Imagined) -> Float[Tensor, "B S"]:
        """Mean over steps of half the squared standardised distance, which people themselves have a mean of 1 of."""
        human = imagined.human()
        off = (imagined.ego[:, :, 1:] - human.position[:, None]).square().sum(-1)
        return 0.5 * (off / human.scale[:, None].square()).mean(-1)
