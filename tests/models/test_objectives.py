"""Objectives and diagnostics: what they measure, and that collapse is seen."""

import os
import socket

import pytest
import torch
import torch.multiprocessing as mp

from jepa_social.geometry import rotate
from jepa_social.models.diagnostics import CollapseAlarm, CollapseWarning, effective_rank
from jepa_social.models.latents import Latents
from jepa_social.models.objectives import Ema, Moves, Objective, Reconstruction, SigReg, VicReg, masked_mean
from jepa_social.models.objectives.reconstruction import own_states
from jepa_social.models.tokenizer import has_frame
from tests.conftest import random_scene


def test_effective_rank_counts_directions():
    torch.manual_seed(0)
    wide = torch.randn(4000, 16)
    assert effective_rank(wide) == pytest.approx(16, rel=0.02)
    assert effective_rank(wide[:, :4] @ torch.randn(4, 16)) < 4.05
    assert effective_rank(torch.ones(100, 16) + 1e-4 * wide[:100]) > 10, "a constant is not a direction"


def test_alarm_rings_for_a_low_rank_and_for_a_point_and_not_for_the_living():
    torch.manual_seed(0)
    living = torch.randn(500, 32)
    alarm = CollapseAlarm(patience=2)
    for _ in range(4):
        assert alarm.check(living)["alarm"] == 0
    for dead in (living[:, :1] @ torch.randn(1, 32), 5.0 + 1e-3 * living):
        alarm = CollapseAlarm(patience=2)
        assert alarm.check(dead)["alarm"] == 0
        with pytest.warns(CollapseWarning, match="collapsing"):
            assert alarm.check(dead)["alarm"] == 1


def test_sigreg_is_least_for_the_standard_normal():
    torch.manual_seed(0)
    objective = SigReg(projections=256)
    normal = objective.penalty(torch.randn(2048, 16))
    for other in (torch.zeros(2048, 16), 3 * torch.randn(2048, 16), torch.randn(2048, 1).expand(-1, 16)):
        assert objective.penalty(other) > 5 * normal


WIDTH = 8


def objectives(weight: float = 0.3) -> dict[str, Objective]:
    """One of each, with all of its terms; heads are the same at every call."""
    torch.manual_seed(5)
    return {
        "ema": Ema(weight),
        "sigreg": SigReg(weight),
        "vicreg": VicReg(WIDTH, weight, inverse=0.5, similarity=0.2),
        "reconstruction": Reconstruction(WIDTH),
    }


NAMES = list(objectives())


def goal(objective: Objective, latents: torch.Tensor) -> torch.Tensor:
    """A target of the kind that the objective wants."""
    return latents if objective.predicts == "latents" else latents[..., :4].detach()


@pytest.mark.parametrize("name", NAMES)
def test_only_masked_entries_count(name):
    objective = objectives(weight=0.0)[name]
    value = torch.tensor([1.0, 100.0, 3.0])
    assert masked_mean(value, torch.tensor([True, False, True])) == 2.0
    prediction, target = torch.randn(6, WIDTH), goal(objective, torch.randn(6, WIDTH))
    mask = torch.tensor([True] * 3 + [False] * 3)
    same, other = target.clone(), target.clone()
    same[3:] += 5
    other[:3, 0] += 5
    losses = [objective(prediction, goal, prediction, mask).total for goal in (target, same, other)]
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.parametrize("name", NAMES)
def test_errors_are_of_single_predictions_and_can_be_compared_between_codes(name):
    """`[B,M,N,H,D]` against `[B,1,N,H,D]`, and their mean is the loss."""
    objective = objectives(weight=0.0)[name]
    prediction, target = torch.randn(2, 4, 3, 5, WIDTH), goal(objective, torch.randn(2, 1, 3, 5, WIDTH))
    error = objective.error(prediction, target)
    assert error.shape == (2, 4, 3, 5)
    torch.testing.assert_close(error[:, 2], objective.error(prediction[:, 2], target[:, 0]))
    mask = torch.rand(2, 3, 5) > 0.5
    terms = objective(prediction[:, 2], target[:, 0], torch.randn(9, WIDTH), mask)
    torch.testing.assert_close(terms.prediction, error[:, 2][mask].mean())
    assert terms.regulariser == 0


def test_vicreg_wants_spread_and_independence_on_both_branches():
    torch.manual_seed(0)
    objective = VicReg(16, covariance=1.0)
    free = torch.randn(4000, 16)
    for dead in (torch.ones(4000, 16), 0.3 * free, free[:, :1].expand(-1, 16)):
        assert objective.penalty(dead) > 0.4 > 20 * objective.penalty(free)
    every = torch.ones(4000, dtype=torch.bool)
    loss = [objective(p, free, z, every).regulariser for p, z in ((free, free), (0 * free, free), (free, 0 * free))]
    assert min(loss[1:]) > loss[0] + 0.4


def test_inverse_dynamics_and_similarity_ask_for_what_they_say():
    latents, every = torch.randn(50, WIDTH), torch.ones(50, dtype=torch.bool)
    moves = Moves(latents, latents + 0.1, torch.randn(50, 2))
    plain = VicReg(WIDTH)(latents, latents, latents, every).regulariser
    torch.manual_seed(0)
    objective = VicReg(WIDTH, inverse=0.5, similarity=2.0)
    told = objective.dynamics(torch.cat((moves.before, moves.after), -1))
    expected = plain + 2.0 * 0.01 + 0.5 * (told - moves.action).square().mean()
    torch.testing.assert_close(objective(latents, latents, latents, every, moves).regulariser, expected)
    with pytest.raises(ValueError, match=r"objective\.inverse and objective\.similarity need moves"):
        objective(latents, latents, latents, every)
    assert VicReg(WIDTH).dynamics is None, "no head that nothing trains"


def test_moves_are_consecutive_and_their_actions_are_in_the_agents_own_frame():
    scene = random_scene(frames=7)
    index = torch.arange(scene.present.numel()).view(scene.present.shape)[..., None].float()
    moves = Moves.of(Latents(index, has_frame(scene), scene))
    assert len(moves.before) > 20
    assert torch.equal(moves.after - moves.before, torch.ones_like(moves.before)), "the same agent, a frame later"
    now, then = moves.before[:, 0].long(), moves.after[:, 0].long()
    assert scene.present.flatten()[now].all()
    assert scene.present.flatten()[then].all()
    heading, velocity = scene.heading.flatten()[now], scene.velocity.flatten(0, 2)[then]
    torch.testing.assert_close(moves.action, rotate(velocity, -heading))


def test_own_states_are_blind_to_rigid_motion():
    scene = random_scene(gaps=False)
    angle, shift = torch.tensor(1.1), torch.tensor([3.0, -2.0])
    told = [
        own_states(s.position[:, :, 5:], s.velocity[:, :, 5:], s.position[:, :, 4], s.heading[:, :, 4])
        for s in (scene, scene.transform(angle, shift))
    ]
    torch.testing.assert_close(*told, atol=1e-4, rtol=1e-4)
    first = own_states(
        scene.position[:, :, 4:], scene.velocity[:, :, 4:], scene.position[:, :, 4], scene.heading[:, :, 4]
    )
    assert first[:, :, 0, [0, 1, 3]].abs().max() < 1e-5, "at the origin, and one walks where one faces"


def test_ema_gives_no_gradient_to_its_target():
    prediction, target = torch.randn(6, 8, requires_grad=True), torch.randn(6, 8, requires_grad=True)
    Ema(weight=0.0)(prediction, target, target, torch.ones(6, dtype=torch.bool)).total.backward()
    assert target.grad is None
    assert prediction.grad is not None


def _loss(objective: Objective, weight: torch.Tensor, part: dict[str, torch.Tensor]) -> torch.Tensor:
    """The whole loss of one process's rows under a linear 'encoder'."""
    latents = part["data"] @ weight
    moves = Moves(latents, part["after"] @ weight, part["action"]) if objective.needs_moves else None
    torch.manual_seed(7)
    terms = objective(part["data"].flip(-1) @ weight, goal(objective, latents), latents, part["mask"], moves)
    return terms.total


def _results(weight: torch.Tensor, part: dict[str, torch.Tensor]) -> dict[str, list[torch.Tensor]]:
    """Loss of each objective, and its gradients in the encoder and the heads."""
    found = {}
    for name, objective in objectives().items():
        own = weight.clone().requires_grad_(True)
        loss = _loss(objective, own, part)
        found[name] = [loss.detach(), *torch.autograd.grad(loss, [own, *objective.parameters()])]
    return found


CUT = 40
"""Rows of the first process; the second has fewer."""


def _worker(rank: int, port: int, folder: str) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
    saved = torch.load(f"{folder}/in.pt")
    mine = slice(0, CUT) if rank == 0 else slice(CUT, None)
    found = _results(saved["weight"], {name: value[mine] for name, value in saved["rows"].items()})
    for values in found.values():
        for value in values:
            torch.distributed.all_reduce(value)
            value /= 2  # DDP averages
    if rank == 0:
        torch.save(found, f"{folder}/out.pt")
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def one_and_two(tmp_path_factory) -> list[dict[str, list[torch.Tensor]]]:
    folder = tmp_path_factory.mktemp("processes")
    torch.manual_seed(0)
    rows = {"data": torch.randn(64, 5), "after": torch.randn(64, 5), "action": torch.randn(64, 2)}
    rows["mask"] = torch.rand(64) > 0.3
    weight = torch.randn(5, WIDTH)
    torch.save({"rows": rows, "weight": weight}, folder / "in.pt")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.spawn(_worker, args=(port, str(folder)), nprocs=2)
    return [_results(weight, rows), torch.load(folder / "out.pt")]


@pytest.mark.parametrize("name", NAMES)
def test_two_processes_equal_one(one_and_two, name):
    one, two = (found[name] for found in one_and_two)
    assert len(one) == len(two) == (6 if name in ("vicreg", "reconstruction") else 2)
    assert one[1].abs().max() > 1e-2
    for alone, together in zip(one, two, strict=True):
        torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)
