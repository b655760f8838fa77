"""Conditional value at risk over intents."""

from dataclasses import replace

import pytest
import torch

from jepa_social.planning.costs import Clearance, Risk, Weighted
from jepa_social.planning.costs.risk import cvar
from jepa_social.planning.imagined import Sampled
from tests.planning.futures import crowd, future, told


@pytest.mark.parametrize(
    ("alpha", "value"), [(1.0, 2.5), (0.5, 3.5), (0.375, (4 + 0.5 * 3) / 1.5), (0.25, 4.0), (0.01, 4.0)]
)
def test_known_samples(alpha, value):
    cost = torch.tensor([3.0, 1.0, 4.0, 2.0]).view(1, 1, 4)
    torch.testing.assert_close(cvar(cost, alpha), torch.tensor([[value]]))


@pytest.mark.parametrize("alpha", [0.07, 0.3, 0.5, 0.9, 1.0])
def test_it_is_the_minimum_of_rockafellar_and_uryasev(alpha):
    cost = torch.randn(3, 4, 11, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    level = cost[..., None, :]  # the minimum is at one of the samples
    least = (cost + (level - cost[..., None]).clamp(min=0).mean(-1) / alpha).amin(-1)
    torch.testing.assert_close(cvar(cost, alpha), least)


def test_the_worse_futures_count_the_less_alpha_is():
    here = crowd()
    tails = [Risk(alpha, 8)(Clearance(), here) for alpha in (1.0, 0.5, 0.1)]
    assert (tails[0] <= tails[1]).all()
    assert (tails[1] <= tails[2]).all()
    assert not torch.equal(tails[0], tails[2])
    each = torch.stack([Clearance()(replace(here, people=one)) for one in here.sampled(8).position.unbind(2)])
    torch.testing.assert_close(tails[0], each.mean(0))
    torch.testing.assert_close(tails[2], each.amax(0))


def test_a_certain_future_carries_no_risk():
    here = future((1.0, 0.0), people=((1.0, 0.2),))
    cost = {"clearance": Clearance()}
    plain = Weighted(cost, {"clearance": 2.0})(here)
    torch.testing.assert_close(Weighted(cost, {"clearance": 2.0}, Risk(0.2, 8))(here), plain)
    assert plain > 0


def test_without_draws_nothing_is_sampled():
    def never(draws: int) -> Sampled:
        raise AssertionError("sampled")

    here = crowd()
    deaf = replace(here, on_request=replace(told(here.sampled(1), here.absent(), here.human()), sampled=never))
    torch.testing.assert_close(Risk()(Clearance(), deaf), Clearance()(here))


@pytest.mark.parametrize(("alpha", "draws"), [(0.0, 8), (1.5, 8), (0.5, 0), (0.5, 1)])
def test_shares_of_nothing_are_refused(alpha, draws):
    with pytest.raises(ValueError, match=r"risk\.alpha"):
        Risk(alpha, draws)
