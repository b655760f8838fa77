"""The internal social reward: the exact observer scores what prototypes did, and the reward is a belief, not a fact."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from jepa_social.evaluation.mind.conduct import (
    altruistic,
    as_interactions,
    audience_logs,
    conduct,
    decoupling,
    evenly,
    selfish,
)
from jepa_social.evaluation.mind.judgement import AudienceObserver, live_through, meet_audiences, reward_columns
from jepa_social.mind.social_reward import BelievedReward, fit_worth
from jepa_social.models.person import PersonModel
from jepa_social.worlds.audience import FALL, NOTICED_BEFORE, former_audiences

IDEAL = {"bias_0": 0.345, "bias_10": 0.297, "bias_50": 0.190, "bias_199": 0.079}


@pytest.fixture(scope="module")
def model() -> PersonModel:
    torch.manual_seed(0)
    return PersonModel(2, 2, width=16, depth=1, heads=2).eval()


@pytest.fixture
def minds(model):
    worth = torch.tensor([0.1, -1.5])
    return {"learned": partial(BelievedReward, model, worth), "exact": AudienceObserver}


def test_observers_score_what_prototypes_did():
    met = meet_audiences(600, 0)
    ideal = reward_columns(*live_through(AudienceObserver(600), met), met)
    assert {name: ideal[name].mean() for name in IDEAL} == pytest.approx(IDEAL, abs=0.012)
    frozen = reward_columns(*live_through(AudienceObserver(600, learns=False), met), met)
    assert [frozen[name].mean() for name in IDEAL] == pytest.approx([0.345] * 4, abs=0.002)
    oracle = reward_columns(*live_through(AudienceObserver(600, told=0.23), met), met)
    assert oracle["bias_199"].max() < 1e-6
    assert oracle["embarrassed"].mean() == pytest.approx(0.23 * 0.77, abs=0.005)
    assert frozen["embarrassed"].mean() > ideal["embarrassed"].mean() > oracle["embarrassed"].mean()
    assert frozen["oblivious"].mean() < ideal["oblivious"].mean() < oracle["oblivious"].mean()


def test_the_exact_observer_is_calibrated_in_the_past_that_it_knows():
    logs = audience_logs(3000, 30, 1)
    own, _ = live_through(AudienceObserver(3000), logs)
    slip = logs.public & logs.slip
    assert own[slip].mean() == pytest.approx(float(logs.evaluation[slip].mean()), abs=0.01)
    low = slip & (own > own[slip].quantile(0.2))
    assert own[low].mean() == pytest.approx(float(logs.evaluation[low].mean()), abs=0.03)
    assert former_audiences(20000, torch.Generator().manual_seed(0)).mean() == pytest.approx(NOTICED_BEFORE, abs=0.005)


def test_a_slip_that_nobody_sees_is_thought_nothing_of():
    met = meet_audiences(300, 2)
    assert (met.evaluation[~(met.public & met.slip)] == 0).all()
    assert set(met.evaluation.unique().tolist()) == {0.0, -FALL}


@pytest.mark.parametrize("name", ["learned", "exact"])
def test_the_four_decouplings(minds, name):
    found = decoupling(minds[name], 30, 0)
    # (i) the audience changes, the belief does not; (iv) noticed or not: nothing before a reaction arrives
    assert (found["actual_moves"] == 0).all()
    assert (found["noticed_costs"] == 0).all()
    # (ii) the belief changes, the audience does not
    assert (abs(found["belief_moves"]) > 1e-4).all()
    if name == "exact":  # (iii); a model has to learn it
        assert (found["private_costs"] == 0).all()
        assert (found["belief_moves"] > 0).all()


def test_the_reward_does_move_once_a_reaction_arrives(minds):
    met = meet_audiences(30, 0, steps=10)
    for fresh in minds.values():
        other = replace(met, frown=met.frown.clone())
        other.frown[:, 4] = ~other.frown[:, 4]
        one, two = live_through(fresh(30), met)[1], live_through(fresh(30), other)[1]
        assert torch.equal(one[:, :5], two[:, :5])
        public = met.public[:, 4] & met.slip[:, 4]
        assert (one[public, 5] != two[public, 5]).all()


def test_evaluations_never_enter(minds, model):
    met = meet_audiences(30, 0, steps=10)
    lied = replace(met, evaluation=met.evaluation - 5.0)
    for fresh in minds.values():
        for one, two in zip(live_through(fresh(30), met), live_through(fresh(30), lied), strict=True):
            assert torch.equal(one, two)
    one, two = as_interactions(met), as_interactions(lied)
    for name in ("situation", "acts", "choice", "known"):
        assert torch.equal(getattr(one, name), getattr(two, name))


def test_who_does_not_learn_stays_as_surprised(model):
    met = meet_audiences(8, 0, steps=5)
    mind = BelievedReward(model, torch.tensor([0.0, -1.5]), 8, learns=False)
    _, asked = live_through(mind, met)
    assert torch.equal(asked[:, 0], asked[:, -1])


def test_surprise_is_the_log_loss_of_the_reaction(model):
    mind = BelievedReward(model, torch.tensor([0.0, -1.5]), 3)
    situation = torch.ones(3, 2)
    chance = mind.expects(situation)
    assert torch.allclose(chance.sum(-1), torch.ones(3))
    surprise = mind.observe(situation, torch.tensor([0, 1, 1]))
    assert torch.allclose(surprise, -chance[torch.arange(3), torch.tensor([0, 1, 1])].log())


def test_worth_is_found_where_reactions_tell(model):
    """Evaluations that are linear in the predicted reactions are found exactly."""
    logs = as_interactions(audience_logs(50, 20, 0))
    latent = model.encode(logs.situation, logs.act, logs.known)[:, :-1]
    with torch.no_grad():
        chance = model.log_prob(latent, logs.situation, logs.acts).exp()
    worth = torch.tensor([0.2, -1.4])
    assert torch.allclose(fit_worth(model, logs, chance @ worth), worth, atol=1e-2)


def test_practice_is_on_rare_people_as_often_as_on_others():
    logs = as_interactions(audience_logs(400, 200, 4))
    often, kept = logs.choice.double().mean(1), evenly(logs, 100).choice.double().mean(1)
    assert kept.std() > 1.3 * often.std()
    assert kept.mean() == pytest.approx(float(often.mean()), abs=0.01), "no more and no less than before"
    assert len(kept) == len({tuple(row) for row in evenly(logs, 100).choice.tolist()}) == 100
    assert evenly(logs[:20], 20).choice.sum() == logs[:20].choice.sum(), "all of them, if all are wanted"
    shuffled = torch.randperm(400, generator=torch.Generator().manual_seed(0))
    other = evenly(logs[shuffled], 100).choice.double().mean(1)
    assert torch.equal(other.sort().values, kept.sort().values)


def test_conduct_follows_what_is_believed():
    count, steps = 300, 40
    minds = (AudienceObserver(count, told=0.23), AudienceObserver(count, learns=False))
    oracle, frozen = (conduct(mind, count, steps, 3) for mind in minds)
    rules = [conduct(rule, count, steps, 3) for rule in (selfish, altruistic)]
    assert oracle["own_return"].mean() > frozen["own_return"].mean() > rules[1]["own_return"].mean()
    assert oracle["welfare"].mean() > max(rule["welfare"].mean() for rule in rules)
    assert (rules[1]["own_return"] == rules[1]["welfare"]).all(), "who never slips in public hurts nobody"
