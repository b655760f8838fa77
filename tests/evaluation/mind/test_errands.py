"""Values of villagers: the exact observer is one, models see no value, and scores are what they are called."""

import pytest
import torch

from jepa_social.evaluation.mind.errand_observer import Belief, ends, observe, step_log_likelihood
from jepa_social.evaluation.mind.errand_values import (
    ACT,
    SEEN,
    SITUATION,
    CountedErrands,
    as_interactions,
    counted,
    errand_columns,
    rank_products,
)
from jepa_social.models.person import PersonModel
from jepa_social.stages.errands import met
from jepa_social.worlds.village.errands import KINDS, Errands, draw_values, run_errands


@pytest.fixture(scope="module")
def people() -> Errands:
    return met(60, SEEN + 6, 0)


def test_steps_are_as_likely_as_the_village_makes_them(people):
    """Of somebody who is after one kind above all, the steps' log-likelihood is that of the village's own odds."""
    values = torch.zeros(40, KINDS + 1)
    values[:, 2] = 60.0
    runs = run_errands(values, 5, 3)
    told = step_log_likelihood(runs)
    assert told[..., 2].mean() > max(told[..., k].mean() for k in (0, 1, 3)) + 1.0
    assert told[..., 2].max() <= 1e-6
    certain = Belief(values[:, None], torch.ones(40, 1))
    odds = ends(certain, runs, 1).exp()
    assert (odds[..., 2] > 0.99).all()


def test_where_errands_end_is_foretold_by_the_village_s_own_walk(people):
    truth = Belief(people.values[:, None], torch.ones(len(people.values), 1))
    odds, known = ends(truth, people[:, SEEN:], 1).exp(), people[:, SEEN:].known
    choice = people[:, SEEN:].choice
    for low, high in ((0.0, 0.1), (0.1, 0.9), (0.9, 1.01)):
        rows = (odds >= low) & (odds < high) & known[..., None]
        hit = torch.nn.functional.one_hot(choice.clamp(min=0), KINDS)[rows].float()
        assert abs(hit.mean() - odds[rows].mean()) < 0.08


def test_the_more_errands_are_seen_the_more_is_known(people):
    kinds, nats, svo = [], [], []
    for n in (0, 3, 20):
        belief = observe(people[:, :n], samples=400)
        found = errand_columns(n, people[:, SEEN:], ends(belief, people[:, SEEN:]), belief.mean)
        kinds.append(found[f"trips_kinds_{n}"].mean())
        nats.append(found[f"trips_nll_{n}"].mean())
        svo.append(found[f"trips_svo_{n}"].mean())
        assert torch.allclose(belief.weight.sum(-1), torch.ones(60))
        assert (1 / belief.weight.square().sum(-1)).median() > 15
    assert nats[0] > nats[1] + 0.2 > nats[2] + 0.25
    assert kinds[2] > kinds[1] > 0.35
    assert svo[2] > max(0.4, svo[1])


def test_counting_counts(people):
    often = counted(people[:, :10])
    assert often.sum() == people[:, :10].known.sum()
    none, many = CountedErrands(people, 0), CountedErrands(people, 20)
    nats = [
        errand_columns(0, people[:, SEEN:], one.log_prob(people), None)["trips_nll_0"].mean() for one in (none, many)
    ]
    assert nats[1] < nats[0] - 0.1
    assert many.gains[0] > 0 < many.gains[1], "what was chosen often, and what is near"


def test_rank_products_average_to_spearman():
    one = torch.tensor([0.3, 2.0, -1.0, 5.0])
    assert rank_products(one, one**3).mean() == pytest.approx(1.0)
    assert rank_products(one, -one).mean() == pytest.approx(-1.0)
    assert rank_products(torch.ones(4), one).tolist() == [0.0] * 4


def test_values_never_enter_a_model(people):
    torch.manual_seed(0)
    model = PersonModel(SITUATION, ACT, width=8, depth=1, heads=2).eval()
    lied = Errands(people.path, people.thing, people.wanted, people.choice, draw_values(60, 9))
    one, two = as_interactions(people), as_interactions(lied)
    assert torch.equal(model.surprise(one).nan_to_num(), model.surprise(two).nan_to_num())
    assert torch.equal(one.acts[..., :KINDS].argmax(-1), torch.arange(KINDS).expand(one.acts.shape[:3]))
