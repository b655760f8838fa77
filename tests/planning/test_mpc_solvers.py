"""The planner with every solver: the same laws, deadlines, plans handed on, and advice from a prior."""

import time

import pytest
import torch

from jepa_social.geometry import rotate
from jepa_social.planning import mpc as planning
from jepa_social.planning.build import constant_velocity_planner, jepa_planner
from jepa_social.planning.mpc import MPC
from jepa_social.planning.plans import Plans
from jepa_social.planning.prior import Prior
from jepa_social.scene import Scene
from tests.planning.problems import NAMES
from tests.planning.strolls import SMALL, planner_config, street, walk, world_model
from tests.planning.test_mpc import crowd, three

TIGHT = {"atol": 1e-3, "rtol": 1e-3}
LOOSE = {"atol": 2e-2, "rtol": 1e-2}
"""A descent of eight steps over costs with kinks makes more of rounding than a comparison of samples does."""


def planner(solver: str, speak: bool = True, prior: Prior | None = None, **mpc) -> MPC:
    config = planner_config(f"solver@planner.solver={solver}")
    config.prior = prior is not None
    config.mpc.update(mpc)
    return jepa_planner(world_model(speak=speak), config, prior=prior)


def a_prior(noise: float = 0.5, knots: int = 5) -> Prior:
    """Random, far from straight."""
    torch.manual_seed(2)
    prior = Prior(SMALL.width, Plans(knots, 20)).eval()
    torch.nn.init.normal_(prior.mean.weight, std=noise)
    torch.nn.init.normal_(prior.doubt.weight, std=noise)
    return prior


@pytest.fixture(params=NAMES)
def solver(request) -> str:
    return request.param


def test_every_solver_keeps_the_laws_of_the_planner(solver):
    scene, policy = crowd(), planner(solver)
    close = LOOSE if solver == "gradient" else TIGHT
    command = three(policy, scene)
    assert torch.equal(three(policy, scene), command)
    torch.testing.assert_close(
        three(policy, scene.transform(2.1, (3.0, -7.0))), rotate(command, torch.tensor(2.1)), **close
    )
    torch.testing.assert_close(three(policy, scene.pad(9)), command, **close)
    for one in range(4):
        torch.testing.assert_close(three(policy, scene[one : one + 1]), command[one : one + 1], **close)
    policy.reset()
    policy.act(scene)
    mask = torch.tensor([True, False, True, False])
    policy.keep(mask)
    torch.testing.assert_close(policy.act(scene[mask]), command[mask, 1], **close)


def test_every_solver_walks_around_somebody(solver):
    scene = Scene.collate([street([(3.0, beside, 0.0, 0.0)], goal=(6.0, 0.0)) for beside in (0.0, 0.2, -0.2)])
    config = planner_config(f"solver@planner.solver={solver}")
    path, clearance = walk(constant_velocity_planner(config, 0.25), scene, seconds=8.0)
    assert (clearance > 0.0).all()
    assert ((path[:, -1] - torch.tensor([6.0, 0.0])).norm(dim=-1) < 0.35).all()


def test_in_inference_mode_every_solver_decides_as_elsewhere(solver):
    """Lightning evaluates in inference mode, whose tensors can never be differentiated through."""
    scene, policy = crowd(), planner(solver)
    command = three(policy, scene)
    with torch.inference_mode():
        inside = scene.clone()
        torch.testing.assert_close(three(policy, inside), command, **(LOOSE if solver == "gradient" else TIGHT))
        policy.keep(torch.ones(4, dtype=torch.bool))
        policy.act(inside)
    assert all(parameter.grad is None for parameter in policy.dynamics.world_model.parameters())


def test_only_a_solver_that_differentiates_leaves_inference_mode(solver, monkeypatch):
    modes, policy = [], planner(solver)
    roll = policy.dynamics.roll

    def watched(*args):
        modes.append(torch.is_inference_mode_enabled())
        return roll(*args)

    monkeypatch.setattr(policy.dynamics, "roll", watched)
    policy.act(crowd())
    assert set(modes) == {solver != "gradient"}


def test_gradients_run_through_the_model():
    """People's reaction to a plan has a part in its slope: it is the slope of finite differences."""
    policy, slopes = planner("gradient"), []

    class Probe:
        gradients = True

        def solve(self, objective, mean, std, guesses, seed=0, deadline_s=None):
            point = 0.8 * guesses[:, 5:6] + 0.03  # at full speed commands are cut: a kink
            with torch.enable_grad():
                plans = point.requires_grad_()
                (slope,) = torch.autograd.grad(objective(plans).sum(), plans)
            for i in range(mean.shape[1]):
                step = 2e-3 * torch.eye(mean.shape[1])[i]
                numeric = (objective(point.detach() + step) - objective(point.detach() - step)) / 4e-3
                slopes.append((slope[..., i], numeric))
            return mean[:, None]

    policy.solver = Probe()
    policy.act(crowd())
    exact, numeric = (torch.stack(part) for part in zip(*slopes, strict=True))
    assert exact.abs().max() > 0.1
    torch.testing.assert_close(exact, numeric, atol=0.02, rtol=0.05)


def test_the_time_of_encoding_counts_too(monkeypatch):
    given = []

    class Watch:
        gradients = False

        def solve(self, objective, mean, std, guesses, seed=0, deadline_s=None):
            given.append(deadline_s)
            return mean[:, None]

    seconds = iter([10.0, 10.004, 20.0, 20.5])
    policy = planner("cem", deadline_ms=20.0)
    policy.solver = Watch()
    monkeypatch.setattr(planning, "perf_counter", lambda: next(seconds))
    policy.act(crowd())
    policy.act(crowd())
    assert given == [pytest.approx(0.016), 0.0]
    monkeypatch.setattr(planning, "perf_counter", time.perf_counter)
    policy = planner("cem")
    policy.solver = Watch()
    policy.act(crowd())
    assert given[-1] is None
    with pytest.raises(ValueError, match=r"deadline_ms=0"):
        planner("cem", deadline_ms=0)


def test_what_a_solver_hands_on_is_judged_next_time():
    """Shifted by the time that has passed: one step here, so its second command comes first."""
    policy, scene, seen = planner("cem"), crowd(), []
    handed = 0.3 * torch.randn(4, 3, 10, generator=torch.Generator().manual_seed(1))

    class Hands:
        gradients = False

        def solve(self, objective, mean, std, guesses, seed=0, deadline_s=None):
            seen.append((mean, guesses))
            return handed

    policy.solver = Hands()
    policy.act(scene)
    policy.act(scene)
    (_, before), (mean, after) = seen
    assert after.shape[1] == before.shape[1] + 2
    unit, ahead = torch.ones(4), torch.eye(2).expand(4, 2, 2)
    commands = policy.plans.actions(handed, ahead, unit)
    later = policy.plans.nearest(torch.cat((commands[:, :, 1:], commands[:, :, -1:]), dim=2), ahead, unit)
    torch.testing.assert_close(torch.cat((mean[:, None], after[:, -2:]), dim=1), later, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("lead", [False, True])
def test_a_prior_advises_every_solver(lead, monkeypatch):
    prior, scene, seen = a_prior(), crowd(), []

    class Watch:
        gradients = False

        def solve(self, objective, mean, std, guesses, seed=0, deadline_s=None):
            seen.append((mean, std, guesses))
            return mean[:, None]

    plain, advised = planner("cem"), planner("cem", prior=prior, lead=lead)
    for policy in (plain, advised):
        policy.solver = Watch()
        policy.act(scene)
    (mean, std, guesses), (mean_too, std_too, guesses_too) = seen
    advice = guesses_too[:, guesses.shape[1]]
    assert (advice - mean).abs().max() > 0.1
    if lead:
        assert torch.equal(mean_too, advice)
        assert torch.equal(guesses_too[:, -1], mean)
        assert (std_too <= std).all()
        assert (std_too < std).any()
    else:
        assert torch.equal(mean_too, mean)
        assert torch.equal(std_too, std)


def test_a_prior_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"the prior tells 4 knots over 20 steps, planner\.mpc has 5 over 20"):
        planner("cem", prior=a_prior(knots=4))
    config = planner_config()
    config.prior = True
    with pytest.raises(ValueError, match=r"this run has no prior: clone one"):
        jepa_planner(world_model(), config)
