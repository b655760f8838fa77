from dataclasses import replace

import pytest
import torch

from jepa_social.evaluation.mind.inverse_planning import Posterior, ValueObserver, log_posterior
from jepa_social.evaluation.mind.values import (
    BETAS,
    ValueReadout,
    counted,
    counting_gain,
    inside,
    interactions,
    log_likelihood,
    rank_correlation,
    sights,
    value_logs,
    value_sights,
    without_prior,
)
from jepa_social.worlds.menu_pictures import paint_things
from jepa_social.worlds.menus import VALUES, Choices, choose

IDEAL = {
    1.0: {0: 0.0, 1: 0.36, 2: 0.51, 3: 0.61, 5: 0.70, 10: 0.78, 20: 0.85},
    4.0: {1: 0.44, 3: 0.66, 10: 0.89, 20: 0.93},
}
COUNTING = {1: 0.36, 2: 0.48, 3: 0.57, 5: 0.66, 10: 0.75, 20: 0.84}
LOSS = {0: 1.37, 2: 1.20, 5: 1.06, 10: 0.96}
"""What prototypes of this generative model gave: the ideal's and counting's rank correlation, the ideal's log-loss."""
SLACK = 0.06
"""Rank correlations of 500 people have a standard error of 0.02, and those of the prototypes have one as well."""
UNSEEN = slice(20, 30)


def people(beta: float, count: int = 500) -> Choices:
    return choose(count, 30, beta, seed=17)


def seen(choices: Choices, n: int, beta: float) -> Posterior:
    return ValueObserver(beta).posterior(choices.menu[:, :n], choices.choice[:, :n])


@pytest.mark.parametrize("beta", [1.0, 4.0])
def test_the_observer_scores_what_prototypes_did(beta: float):
    some = people(beta)
    for n, rho in IDEAL[beta].items():
        found = seen(some, n, beta)
        assert rank_correlation(found.mean, some.values).mean() == pytest.approx(rho, abs=SLACK)
        assert found.effective.mean() > 0.5
        if beta == 1.0 and n in LOSS:
            told = -log_likelihood(found.log_prob(some.menu[:, UNSEEN]), some.choice[:, UNSEEN]).mean()
            assert told == pytest.approx(LOSS[n], abs=0.03)
        if beta == 1.0 and n in COUNTING:
            counts = rank_correlation(counted(some, n), some.values)
            assert counts.mean() == pytest.approx(COUNTING[n], abs=SLACK)


def test_the_observer_is_exact():
    """Against a hundred thousand draws from the prior, weighed by the likelihood: the definition."""
    some = choose(4, 3, 1.0, seed=5)
    drawn = torch.randn(100_000, VALUES, generator=torch.Generator().manual_seed(0)).expand(4, -1, -1)
    told = log_posterior(drawn, some.menu, some.choice, 1.0, precision=0.0)
    brute = Posterior(drawn, told.softmax(-1), 1.0)
    found = ValueObserver(1.0, samples=4000).posterior(some.menu, some.choice)
    assert torch.allclose(found.mean, brute.mean, atol=0.06)
    assert torch.allclose(found.covariance, brute.covariance, atol=0.08)
    menu = torch.randn(4, 2, 4, VALUES, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(found.log_prob(menu).exp(), brute.log_prob(menu).exp(), atol=0.02)


def test_the_observer_is_calibrated_and_beats_the_floors():
    some, other = people(1.0), choose(500, 30, 1.0, seed=18)
    for n in (1, 3, 10):
        found = seen(some, n, 1.0)
        assert inside(found.mean, found.covariance, some.values).mean() == pytest.approx(0.9, abs=0.03)
        ideal = log_likelihood(found.log_prob(some.menu[:, UNSEEN]), some.choice[:, UNSEEN]).mean()
        for values, scale in ((counted(some, n), counting_gain(other, n, UNSEEN)), (without_prior(some, n, 1.0), 1.0)):
            odds = (scale * torch.einsum("bmkv,bv->bmk", some.menu[:, UNSEEN], values)).log_softmax(-1)
            assert log_likelihood(odds, some.choice[:, UNSEEN]).mean() < ideal


def test_values_never_enter_a_log():
    some = people(1.0, 5)
    plain, lied = interactions(some, False), interactions(replace(some, values=some.values + 7), False)
    for name in ("situation", "acts", "choice", "known"):
        assert torch.equal(getattr(plain, name), getattr(lied, name))


def test_values_and_features_are_not_in_what_is_seen():
    some = people(1.0, 5).until(3)
    plain, lied = sights(some, True, 24), sights(replace(some, values=some.values + 7), True, 24)
    for name in ("situation", "pictures", "offered", "choice", "known"):
        assert torch.equal(getattr(plain, name), getattr(lied, name))
    # nothing but the pictures knows the features
    other = sights(replace(some, menu=-some.menu), True, 24)
    assert (other.pictures != plain.pictures).flatten(1).any(1).all()
    for name in ("situation", "offered", "choice", "known"):
        assert torch.equal(getattr(plain, name), getattr(other, name))
    assert (plain.situation == 1).all()


def test_the_same_thing_has_one_picture():
    some = choose(6, 4, 1.0, 3, things=7)
    seen = sights(some, False, 24)
    assert len(seen.pictures) == len(some.thing.unique()) <= 7
    whole = paint_things(torch.stack([some.menu[some.thing == i][0] for i in some.thing.unique()]), 24, 3)
    assert torch.equal(seen.pictures[seen.offered], whole[seen.offered])
    both = value_sights(6, 2, 7, 24)
    assert both.situation[:, 0, 0].tolist() == [0, 0, 0, 1, 1, 1]
    assert not set(both.offered[:3].flatten().tolist()) & set(both.offered[3:].flatten().tolist())


def test_a_world_of_few_things():
    some = choose(50, 20, 1.0, 3, things=6)
    assert some.thing.unique().tolist() == list(range(6))
    for i in range(6):
        assert (some.menu[some.thing == i] == some.menu[some.thing == i][0]).all()
    assert (some.thing.sort(-1).values.diff(dim=-1) > 0).all(), "a menu has no thing twice"
    with pytest.raises(ValueError, match="things=3"):
        choose(5, 2, 1.0, 3, things=3)


def test_the_same_seed_gives_the_same_people():
    one, two, other = value_logs(4, 1), value_logs(4, 1), value_logs(4, 2)
    assert torch.equal(one.situation, two.situation)
    assert torch.equal(one.choice, two.choice)
    assert not torch.equal(one.situation, other.situation)
    assert one.situation[:, 0, 0].tolist() == [0, 0, 1, 1], "half of them hasty, half careful"
    with pytest.raises(ValueError, match="seeds are >= 0"):
        choose(4, 2, 1.0, -1)


def test_careful_people_take_the_best_more_often():
    best = {}
    for kind, beta in BETAS.items():
        some = people(beta)
        worth = torch.einsum("btkv,bv->btk", some.menu, some.values)
        best[kind] = float((worth.argmax(-1) == some.choice).double().mean())
    assert best["hasty"] + 0.15 < best["careful"] < 1


def test_rank_correlation():
    truth = torch.tensor([[1.0, 2, 3, 4, 5]]).expand(3, -1)
    found = torch.stack((truth[0] * 10, -truth[0], torch.zeros(5)))
    assert rank_correlation(found, truth).tolist() == [1.0, -1.0, 0.0]


def test_a_readout_is_a_calibrated_posterior():
    chance = torch.Generator().manual_seed(0)
    values = torch.randn(4000, VALUES, generator=chance)
    noisy = torch.cat((values + torch.randn(4000, VALUES, generator=chance), torch.ones(4000, 3)), dim=1)
    readout = ValueReadout(noisy[:3000], values[:3000])
    found = readout(noisy[3000:])
    assert torch.allclose(readout.covariance, 0.5 * torch.eye(VALUES), atol=0.05)
    assert inside(found, readout.covariance, values[3000:]).mean() == pytest.approx(0.9, abs=0.02)
