"""Laws of every cost of `configs/cost`, and of their sum."""

from dataclasses import replace

import pytest
import torch
from hydra.utils import instantiate

from jepa_social.planning.costs import Clearance, Progress, Risk, Weighted
from tests.planning.futures import crowd, future, moved, picked
from tests.planning.strolls import planner_config

CONFIG = planner_config().cost
TERMS = instantiate(CONFIG.terms, _convert_="all")
WHOLE = Weighted(TERMS, dict.fromkeys(TERMS, 1.0), Risk(alpha=0.5, draws=8))
COSTS = [*TERMS.values(), WHOLE]
OF_PEOPLE = set(TERMS) - {"progress", "comfort", "legibility", "human_anchor"}
"""Terms that only people (and walls) give rise to."""


def name(cost) -> str:
    return type(cost).__name__


def test_every_cost_has_a_weight_and_its_source_a_name():
    assert set(CONFIG.weights) == set(TERMS)
    assert len({name(term) for term in TERMS.values()}) == len(TERMS) >= 11


@pytest.mark.parametrize("cost", COSTS, ids=name)
@pytest.mark.parametrize("reactive", [True, False])
def test_plans_are_told_apart_by_finite_numbers(cost, reactive):
    value = cost(crowd(reactive))
    assert value.shape == (3, 5)
    assert value.isfinite().all()
    ranked = bool((value.std(1) > 0).any())
    assert ranked == (
        reactive or name(cost) not in ("Imposition", "SocialReward")
    )  # who does not react is not imposed on by any plan


@pytest.mark.parametrize("term", sorted(OF_PEOPLE))
def test_nothing_is_to_pay_where_nobody_is_near(term):
    cost = TERMS[term]
    away = cost(future((1.0, 0.0)))
    assert away.abs().max() < 1e-6
    alone = future((1.0, 0.0), people=(), exists=[])
    assert torch.equal(cost(alone), torch.zeros(1, 1))
    missing = future((1.0, 0.0), people=((0.5, 0.3), (0.5, -0.3)), exists=[False, False])
    assert cost(missing).abs().max() < 1e-6


@pytest.mark.parametrize("term", sorted(OF_PEOPLE - {"imposition", "social_reward", "group_splitting"}))
def test_walking_into_somebody_costs(term):
    assert TERMS[term](future((1.0, 0.0), people=((1.0, 0.0),))) > 0.1


@pytest.mark.parametrize("cost", COSTS, ids=name)
@pytest.mark.parametrize("reactive", [True, False])
def test_rigid_motions_change_no_cost(cost, reactive):
    here = crowd(reactive)
    torch.testing.assert_close(cost(moved(here, 2.3, (4.0, -9.0))), cost(here), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("cost", TERMS.values(), ids=name)
def test_people_who_do_not_mind_the_plan_are_the_same_under_each(cost):
    here = crowd(reactive=False)
    each = replace(here, people=here.people.expand(-1, 5, -1, -1, -1))
    torch.testing.assert_close(cost(here), cost(each))


@pytest.mark.parametrize("cost", COSTS, ids=name)
def test_order_and_padding_of_people_and_the_order_of_plans_do_not_matter(cost):
    here, plans = crowd(), torch.tensor([3, 0, 4, 1, 2])
    mixed = picked(here, torch.tensor([3, 1, 0, 2]), plans)
    torch.testing.assert_close(cost(mixed), cost(here)[:, plans])
    without = picked(here, torch.arange(3), torch.arange(5))  # the last of the four is missing anyway
    torch.testing.assert_close(cost(without), cost(here))


def test_weights_add_up():
    here = crowd()
    total = Weighted({"a": Progress(), "b": Clearance()}, {"a": 2.0, "b": 0.5})(here)
    torch.testing.assert_close(total, 2.0 * Progress()(here) + 0.5 * Clearance()(here))


def test_a_weight_of_zero_leaves_a_term_out():
    def never(imagined):
        raise AssertionError("judged although its weight is 0")

    here = crowd()
    torch.testing.assert_close(Weighted({"a": Progress(), "b": never}, {"a": 1.0, "b": 0.0})(here), Progress()(here))
    assert torch.equal(Weighted({"b": never}, {"b": 0})(here), torch.zeros(3, 5))


@pytest.mark.parametrize("weights", [{"a": 1.0, "b": 1.0}, {}, {"progress": 1.0}])
def test_names_that_do_not_match_are_refused(weights):
    with pytest.raises(ValueError, match=r"cost terms \['a'\] and weights"):
        Weighted({"a": Progress()}, weights)


def test_a_cost_that_asks_must_be_answered():
    with pytest.raises(ValueError, match="on_request"):
        TERMS["imposition"](replace(future(), on_request=None))


def test_nothing_is_asked_unless_a_weight_wants_it():
    def never(*_):
        raise AssertionError("asked although its weight is 0")

    here = crowd()
    deaf = replace(here, on_request=replace(here.on_request, sampled=never, absent=never, human=never))
    cost = instantiate(CONFIG)
    torch.testing.assert_close(cost(deaf), cost(here))
