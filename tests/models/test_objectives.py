"""Objectives and diagnostics: what they measure, and that collapse is seen."""

import os
import socket

import pytest
import torch
import torch.multiprocessing as mp

from jepa_social.models.diagnostics import CollapseAlarm, CollapseWarning, effective_rank
from jepa_social.models.objectives import Ema, SigReg, masked_mean


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


def test_only_masked_entries_count():
    value = torch.tensor([1.0, 100.0, 3.0])
    assert masked_mean(value, torch.tensor([True, False, True])) == 2.0
    prediction, target = torch.randn(6, 8), torch.randn(6, 8)
    mask = torch.tensor([True] * 3 + [False] * 3)
    changed = target.clone()
    changed[3:] += 5
    for objective in (Ema(weight=0.0), SigReg(weight=0.0)):
        assert objective(prediction, target, target, mask).total == objective(prediction, changed, target, mask).total


def test_ema_gives_no_gradient_to_its_target():
    prediction, target = torch.randn(6, 8, requires_grad=True), torch.randn(6, 8, requires_grad=True)
    Ema(weight=0.0)(prediction, target, target, torch.ones(6, dtype=torch.bool)).total.backward()
    assert target.grad is None
    assert prediction.grad is not None


def _gradients(objective, weight, data, mask) -> torch.Tensor:
    """Gradient of a linear 'encoder' under the objective."""
    weight = weight.clone().requires_grad_(True)
    latents = data @ weight
    torch.manual_seed(7)
    objective(latents.roll(1, 0) * 0.5, latents, latents, mask).total.backward()
    return weight.grad


def _worker(rank: int, port: int, folder: str) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
    saved = torch.load(f"{folder}/in.pt")
    half = slice(rank * 32, rank * 32 + 32)
    gradient = _gradients(SigReg(0.3), saved["weight"], saved["data"][half], saved["mask"][half])
    torch.distributed.all_reduce(gradient)  # DDP averages
    if rank == 0:
        torch.save(gradient / 2, f"{folder}/out.pt")
    torch.distributed.destroy_process_group()


def test_two_processes_equal_one(tmp_path):
    torch.manual_seed(0)
    # each half is rolled within itself: make halves equal under the roll by repeating one block
    data, weight = torch.randn(64, 5), torch.randn(5, 6)
    mask = torch.rand(64) > 0.3
    torch.save({"data": data, "weight": weight, "mask": mask}, tmp_path / "in.pt")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.spawn(_worker, args=(port, str(tmp_path)), nprocs=2)
    objective = SigReg(0.3)
    weight = weight.clone().requires_grad_(True)
    latents = data @ weight
    rolled = torch.cat((latents[:32].roll(1, 0), latents[32:].roll(1, 0))) * 0.5
    torch.manual_seed(7)
    objective(rolled, latents, latents, mask).total.backward()
    torch.testing.assert_close(torch.load(tmp_path / "out.pt"), weight.grad, atol=1e-5, rtol=1e-4)
