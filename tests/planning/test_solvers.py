"""Laws of solvers, for every option of the config group `solver`: they know nothing of what they minimise."""

from itertools import pairwise

import pytest
import torch

from benchmarks.cma_es import CmaEs
from jepa_social.planning.solvers import CEM, ICEM, MPPI, Gradient, Objective, RandomShooting
from jepa_social.planning.solvers import solver as solving
from jepa_social.planning.solvers.icem import coloured
from tests.planning.problems import NAMES, SAMPLING, B, made, optimum, quadratic, rastrigin, start, two_ways

BUDGET = {"cem": 13, "icem": 40, "mppi": 13, "random_shooting": 13, "gradient": 160}
"""Rounds in which each judges about 640 plans; cma does so in 64."""


class Counted:
    """An objective that remembers what was judged."""

    def __init__(self, objective: Objective):
        self.objective, self.judged = objective, []

    def __call__(self, plans: torch.Tensor) -> torch.Tensor:
        self.judged.append(plans.detach())
        return self.objective(plans)

    @property
    def plans(self) -> torch.Tensor:
        return torch.cat(self.judged, dim=1)


@pytest.fixture(params=NAMES)
def name(request) -> str:
    return request.param


def reached(name: str, objective: Objective, iterations: int, seed: int = 0) -> torch.Tensor:
    """Costs `[B]` of the answers."""
    best = made(name, iterations=iterations).solve(objective, *start(), seed)
    return objective(best[:, :1])[:, 0]


TOLERANCE = {"cem": 0.05, "icem": 0.08, "mppi": 0.3, "random_shooting": 3.0, "gradient": 1e-4}
"""Cost above 0 after 640 plans, whose guesses are far above: floors of the spread and luck stay visible."""


def test_the_least_of_a_quadratic_is_found(name):
    objective = quadratic(optimum())
    mean, _, guesses = start()
    given = objective(torch.cat((mean[:, None], guesses), dim=1)).amin(1)
    costs = reached(name, objective, BUDGET[name])
    assert (costs < TOLERANCE[name]).all(), costs
    assert (costs < given).all()


AGAINST_CMA = {
    rastrigin: {"cem": 2.0, "icem": 3.0, "mppi": 5.0, "random_shooting": 30.0, "gradient": 20.0},
    two_ways: {"cem": 1.2, "icem": 1.2, "mppi": 1.4, "random_shooting": 2.2, "gradient": 1.05},
}
"""Mean cost over cma's at an equal number of plans. On Rastrigin's many valleys descents stay in those that the guesses
lie in and random shooting in none; on plans past a person the gradient is ahead of cma."""


@pytest.mark.parametrize("problem", AGAINST_CMA, ids=lambda problem: problem.__name__)
def test_on_many_valleys_it_is_held_beside_cma(name, problem):
    """Over three seeds; budgets agree to 20 %."""
    costs: dict[str, list[torch.Tensor]] = {name: [], "cma": []}
    counts = {}
    for seed in range(3):
        for who, solver in ((name, made(name, iterations=BUDGET[name])), ("cma", CmaEs(iterations=64))):
            objective = Counted(problem(optimum()))
            best = solver.solve(objective, *start(), seed)
            costs[who].append(objective.objective(best[:, :1]))
            counts[who] = objective.plans.shape[1]
    ours, theirs = (float(torch.cat(each).mean()) for each in costs.values())
    assert 0.8 < counts[name] / counts["cma"] < 1.05
    assert ours < AGAINST_CMA[problem][name] * theirs, (ours, theirs)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "random_shooting"])
def test_searching_beats_shooting_at_random(name):
    for problem in (quadratic, rastrigin, two_ways):
        objective = problem(optimum())
        assert reached(name, objective, BUDGET[name]).mean() < reached("random_shooting", objective, 13).mean()


def test_more_rounds_never_hurt(name):
    for problem in (rastrigin, two_ways):
        costs = [reached(name, problem(optimum()), rounds) for rounds in (1, 2, 3, 5, 9)]
        for earlier, later in pairwise(costs):
            assert (later <= earlier + 1e-6).all()
        assert (costs[-1] < costs[0] - 1e-3).any()


def test_the_answer_is_the_best_that_was_judged_and_the_guesses_were(name):
    objective, (mean, std, guesses) = Counted(rastrigin(optimum())), start()
    best = made(name).solve(objective, mean, std, guesses)
    assert best.shape[0] == B
    assert (objective.plans == best[:, :1]).all(-1).any(1).all()
    values = objective.objective(objective.plans)
    torch.testing.assert_close(objective.objective(best[:, :1])[:, 0], values.amin(1))
    for given in (mean, *guesses.unbind(1)):
        assert (objective.judged[0] == given[:, None]).all(-1).any(1).all()


def test_a_problem_is_solved_alike_in_any_company(name):
    together = made(name).solve(rastrigin(optimum()), *start())
    for i in range(B):
        alone = made(name).solve(rastrigin(optimum()[i : i + 1]), *(value[i : i + 1] for value in start()))
        torch.testing.assert_close(alone, together[i : i + 1], atol=1e-6, rtol=1e-5)


def test_the_same_seed_gives_the_same_answer(name):
    def solve(seed: int) -> torch.Tensor:
        return made(name).solve(rastrigin(optimum()), *start(), seed=seed)

    first = solve(4)
    torch.manual_seed(99)
    assert torch.equal(solve(4), first)
    assert torch.equal(solve(5), first) == (name not in SAMPLING), "only sampling depends on the seed"


def test_the_global_generator_is_left_alone(name):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    made(name).solve(rastrigin(optimum()), *start())
    assert torch.equal(torch.rand(3), expected)


def test_costs_that_are_not_numbers_lose(name):
    """A readout may blow up under wild plans: they must neither win nor spoil the others."""
    objective = quadratic(optimum())

    def cliff(plans: torch.Tensor) -> torch.Tensor:
        return torch.where(plans[..., 0] > 0.5, torch.nan, objective(plans))

    best = made(name, iterations=6).solve(cliff, *start())
    assert best.isfinite().all()
    assert (best[:, 0, 0] <= 0.5).all()


# --- deadlines


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """A clock that goes on only when told to: seconds in a list of one."""
    seconds = [100.0]
    monkeypatch.setattr(solving, "now", lambda: seconds[0])
    return seconds


def rounds_taken(name: str, clock: list[float], deadline_s: float | None, durations: list[float]) -> int:
    """Rounds that a solver with ten of them starts when they take `durations` (s), the last for ever."""
    taken = 0

    def slow(plans: torch.Tensor) -> torch.Tensor:
        nonlocal taken
        clock[0] += durations[min(taken, len(durations) - 1)]
        taken += 1
        return rastrigin(optimum())(plans)

    mean, std, guesses = start()
    began = clock[0]
    best = made(name, iterations=10).solve(slow, mean, std, guesses, deadline_s=deadline_s)
    assert deadline_s is None or taken == 1 or clock[0] - began <= deadline_s + 1e-6
    given = rastrigin(optimum())(torch.cat((mean[:, None], guesses), dim=1)).amin(1)
    assert (rastrigin(optimum())(best[:, :1])[:, 0] <= given + 1e-6).all()
    return taken


def test_a_deadline_is_kept(name, clock):
    assert rounds_taken(name, clock, 0.45, [0.1]) == 4, "a fifth would end at 0.5 s"
    assert rounds_taken(name, clock, 0.5 + 1e-6, [0.1]) == 5
    assert rounds_taken(name, clock, 1e6, [0.1]) == rounds_taken(name, clock, None, [0.1]) >= 10


def test_a_round_that_would_take_as_long_as_the_last_is_not_begun(name, clock):
    assert rounds_taken(name, clock, 1.0, [0.6, 0.1]) == 1, "0.6 s more would be too much"
    assert rounds_taken(name, clock, 1.0, [0.2, 0.5, 0.1]) == 2, "after 0.7 s another 0.5 s would be"


def test_without_time_the_guesses_are_judged_all_the_same(name, clock):
    assert rounds_taken(name, clock, 0.0, [5.0]) == 1


# --- each its own


def test_coloured_noise_has_its_spectrum():
    """Variance 1 whatever the colour; neighbours agree the more, the redder it is; white is white."""
    torch.testing.assert_close(coloured(5, 0.0), torch.eye(5, 10), atol=1e-6, rtol=0)
    agreement = []
    for colour in (0.0, 1.0, 2.0):
        mixing = coloured(12, colour)
        covariance = mixing @ mixing.T
        torch.testing.assert_close(covariance.diagonal(), torch.ones(12))
        agreement.append(float(covariance.diagonal(1).mean()))
        assert covariance[0, -1] < covariance[0, 1] + 1e-6, "its end is not its beginning's neighbour"
    assert agreement[0] < 0.3 < agreement[1] < agreement[2]
    whole = torch.fft.rfft(coloured(64, 2.0), dim=1).abs().square().mean(0)
    slope = (whole[32].log() - whole[4].log()) / (torch.tensor(8.0).log())
    assert slope == pytest.approx(-2.0, abs=0.1)


def test_icem_shrinks_its_population_keeps_elites_and_hands_them_on():
    objective = Counted(rastrigin(optimum()))
    solver = ICEM(samples=40, elites=6, iterations=4, decay=2.0, keep=0.5)
    handed = solver.solve(objective, *start())
    assert [plans.shape[1] for plans in objective.judged] == [40, 20, 12, 12]
    assert handed.shape == (B, 3, 6)
    for earlier, later in pairwise(objective.judged):
        best = earlier.gather(1, objective.objective(earlier).argmin(1)[:, None, None].expand(-1, 1, 6))
        assert (later == best).all(-1).any(1).all()
    for one in handed.unbind(1):
        assert (objective.judged[-1] == one[:, None]).all(-1).any(1).all()
    with pytest.raises(ValueError, match=r"solver\.axes=4 does not divide a plan of 6"):
        ICEM(axes=4).solve(objective, *start())


def test_mppi_at_high_temperature_is_the_mean_of_all():
    objective, given = Counted(rastrigin(optimum())), start()
    MPPI(samples=16, iterations=1, temperature=1e9).solve(objective, *given)
    torch.testing.assert_close(objective.judged[1][:, 0], objective.judged[0].mean(1), atol=1e-5, rtol=0)
    objective = Counted(rastrigin(optimum()))
    MPPI(samples=16, iterations=1, temperature=1e-4).solve(objective, *given)
    first = objective.judged[0]
    best = first.gather(1, objective.objective(first).argmin(1)[:, None, None].expand(-1, 1, 6))
    torch.testing.assert_close(objective.judged[1], best, atol=1e-4, rtol=0)


def test_gradient_descends_from_the_best_guesses_side_by_side():
    objective = Counted(rastrigin(optimum()))
    Gradient(starts=3, iterations=4).solve(objective, *start())
    assert [plans.shape[1] for plans in objective.judged] == [9, 3, 3, 3]
    costs = objective.objective(objective.judged[0]).sort(dim=1).values[:, :3]
    torch.testing.assert_close(objective.objective(objective.judged[1]), costs)


def test_gradient_says_why_it_cannot_do_without_gradients():
    with torch.inference_mode(), pytest.raises(RuntimeError, match=r"not torch\.inference_mode"):
        Gradient().solve(rastrigin(optimum()), *start())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CEM(samples=4, elites=5), r"solver\.elites=5 .* solver\.samples=4"),
        (lambda: CEM(samples=4, elites=0), r"solver\.elites=0 .* solver\.samples=4"),
        (lambda: ICEM(samples=4, elites=5), r"solver\.elites=5 .* solver\.samples=4"),
        (lambda: ICEM(decay=0.5), r"solver\.decay=0.5"),
        (lambda: MPPI(temperature=0.0), r"solver\.temperature=0.0"),
        (lambda: RandomShooting(samples=0), r"solver\.samples=0"),
        (lambda: RandomShooting(iterations=0), r"solver\.iterations=0"),
        (lambda: Gradient(starts=0), r"solver\.starts=0"),
    ],
)
def test_settings_that_cannot_work_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
