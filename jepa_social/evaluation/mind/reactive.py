""" "You change in response to me": does a model foresee that a partner's trust follows what the ego does?

The generative model: `worlds/partners.py`: trust, at first U(0, 1), moves by 0.3 of the way to what the ego just did,
and the partner cooperates with probability 0.05 + 0.9 trust. After `MET` interactions in which the ego acts at random,
asked is how much likelier cooperation is if the ego now cooperates k times than if it defects k times. Nobody sees
these k interactions: they are imagined, the partner's part drawn from the model's own predictions.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.evaluation.mind.scores import Columns
from jepa_social.models.person import Interactions, PersonModel
from jepa_social.worlds.partners import cooperation, trust_after

TIMES = (1, 3, 5)
MET = 6
STAY = 0.7
"""How often the ego does what it did last, in logs: so that all of trust is seen."""


def reactive_logs(count: int, steps: int, seed: int) -> tuple[Interactions, Float[Tensor, "N T+1"]]:
    """Logs of partners whose trust follows, and that trust (the truth); 1 stands for cooperation.

    A situation is what the ego did last (cooperated, defected; neither at first), an act what the partner does.
    """
    generator = torch.Generator().manual_seed(seed)
    other = torch.rand(count, steps, generator=generator) > STAY
    other[:, 0] = torch.rand(count, generator=generator) > 0.5
    mine = (other.cumsum(1) % 2).float()
    trust = trust_after(torch.rand(count, generator=generator), mine)
    choice = (torch.rand(count, steps, generator=generator) < cooperation(trust[:, :-1])).long()
    last = torch.stack((mine, 1 - mine), dim=-1)[:, :-1]
    situation = torch.cat((torch.zeros(count, 1, 2), last), dim=1)
    acts = torch.eye(2).expand(count, steps, 2, 2)
    return Interactions(situation, acts, choice, torch.ones(count, steps, dtype=torch.bool)), trust


def foresight(model: PersonModel, count: int, seed: int) -> Columns:
    """P(cooperates | I cooperate k times) - P(cooperates | I defect k times), for k = 1, 3, 5, of each partner."""
    logs, _ = reactive_logs(count, MET + 1, seed)
    last = logs.situation[:, -1]  # what the ego did in the last interaction met
    branches = [_imagine(model, logs[:, :MET], last, mine, seed) for mine in (1.0, 0.0)]
    return {f"react_{k}": (branches[0][k] - branches[1][k]).double().numpy() for k in TIMES}


def true_reaction(count: int, seed: int) -> Columns:
    """The same of the partners as they are, which is what an observer that knows the rule says of any of them."""
    trust = reactive_logs(count, MET + 1, seed)[1][:, MET]
    said = [cooperation(trust_after(trust, torch.full((count, max(TIMES)), mine))) for mine in (1.0, 0.0)]
    return {f"react_{k}": (said[0][:, k] - said[1][:, k]).double().numpy() for k in TIMES}


def static_reaction(count: int, seed: int) -> Columns:
    """A model of partners who are what they are: (cooperated + 1) / (met + 2), whatever the ego does next (Laplace)."""
    logs, _ = reactive_logs(count, MET + 1, seed)
    said = (logs.choice[:, :MET].sum(1) + 1) / (MET + 2)
    return {f"react_{k}": np.asarray(said - said, dtype=np.float64) for k in TIMES}


@torch.no_grad()
def _imagine(model: PersonModel, logs: Interactions, last: Tensor, mine: float, seed: int) -> list[Tensor]:
    """P(cooperates) after 0, 1, .. 5 interactions in which the ego does `mine` each time."""
    generator = torch.Generator().manual_seed(seed)
    now, said = last, []
    for _ in range(max(TIMES) + 1):
        latent = model.encode(logs.situation, logs.act, logs.known)[:, -1]
        acts = torch.eye(2).expand(len(now), 2, 2)
        chance = model.log_prob(latent, now, acts).exp()[:, 1]
        said.append(chance)
        choice = (torch.rand(len(chance), generator=generator) < chance).long()
        logs = Interactions(
            torch.cat((logs.situation, now[:, None]), 1),
            torch.cat((logs.acts, acts[:, None]), 1),
            torch.cat((logs.choice, choice[:, None]), 1),
            torch.cat((logs.known, torch.ones_like(logs.known[:, :1])), 1),
        )
        now = torch.tensor([mine, 1 - mine]).expand(len(now), -1)
    return said
