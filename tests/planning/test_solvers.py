"""Laws of solvers: they know nothing of what they minimise."""

from itertools import pairwise

import pytest
import torch

from jepa_social.planning.solvers import CEM

B, P = 5, 4


@pytest.fixture
def optimum() -> torch.Tensor:
    return torch.randn(B, P, generator=torch.Generator().manual_seed(3))


def start(batch: int = B) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    guesses = torch.randn(batch, 6, P, generator=torch.Generator().manual_seed(5))
    return torch.zeros(batch, P), torch.ones(batch, P), guesses


def rugged(optimum: torch.Tensor):
    return lambda plans: ((plans - optimum[:, None]).square() + (9 * plans).cos()).sum(-1)


def test_the_least_of_a_quadratic_is_found(optimum):
    solver = CEM(samples=64, elites=8, iterations=15, least_std=0.01)
    weight = torch.tensor([1.0, 5.0, 0.2, 2.0])
    best = solver.solve(lambda plans: (weight * (plans - optimum[:, None]).square()).sum(-1), *start())
    torch.testing.assert_close(best, optimum, atol=0.1, rtol=0)


@pytest.mark.parametrize("solver", [CEM(16, 4, 1), CEM(16, 1, 3), CEM(2, 2, 2), CEM(64, 64, 2)])
def test_never_worse_than_what_it_was_given(solver, optimum):
    cost, (mean, std, guesses) = rugged(optimum), start()
    given = torch.cat((mean[:, None], guesses), dim=1)
    best = solver.solve(cost, mean, std, guesses)
    assert (cost(best[:, None])[:, 0] <= cost(given).amin(1)).all()


def test_the_answer_is_one_that_was_judged(optimum):
    judged = []

    def cost(plans):
        judged.append(plans)
        return rugged(optimum)(plans)

    best = CEM(24, 4, 3).solve(cost, *start())
    everything = torch.cat(judged, dim=1)
    assert (everything == best[:, None]).all(-1).any(1).all()
    values = rugged(optimum)(everything)
    torch.testing.assert_close(rugged(optimum)(best[:, None])[:, 0], values.amin(1))


def test_more_rounds_never_hurt(optimum):
    cost = rugged(optimum)
    found = [cost(CEM(16, 4, rounds).solve(cost, *start())[:, None])[:, 0] for rounds in (1, 2, 4, 8)]
    for earlier, later in pairwise(found):
        assert (later <= earlier).all()
    assert (found[-1] < found[0]).any()


def test_a_problem_is_solved_alike_in_any_company(optimum):
    together = CEM().solve(rugged(optimum), *start())
    for i in range(B):
        alone = CEM().solve(rugged(optimum[i : i + 1]), *(value[i : i + 1] for value in start()))
        assert torch.equal(alone, together[i : i + 1])


def test_the_same_seed_gives_the_same_answer(optimum):
    first = CEM().solve(rugged(optimum), *start(), seed=4)
    torch.manual_seed(99)
    assert torch.equal(CEM().solve(rugged(optimum), *start(), seed=4), first)
    assert not torch.equal(CEM().solve(rugged(optimum), *start(), seed=5), first)


def test_the_global_generator_is_left_alone(optimum):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    CEM().solve(rugged(optimum), *start())
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(("samples", "elites"), [(4, 5), (4, 0)])
def test_settings_that_cannot_work_are_named(samples, elites):
    with pytest.raises(ValueError, match=rf"solver\.elites={elites} .* solver\.samples={samples}"):
        CEM(samples=samples, elites=elites)
