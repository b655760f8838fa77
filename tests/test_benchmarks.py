"""The benchmarks measure what they say they do."""

import csv
from pathlib import Path

import pytest
import torch

from benchmarks import growth, loading
from benchmarks.pretraining import Sizes, measure, write
from benchmarks.references import GruVicReg, LeWorldModel
from benchmarks.solvers import Counted, Spent

SMALL = Sizes(1, 2, (3, 4, 2), (1, 6, 60), (2, 4), 1, (4,), (16,))


def test_every_part_is_measured_and_written(tmp_path: Path):
    said = []
    rows = measure(SMALL, said.append)
    parts = {row.part.split(",")[0] for row in rows}
    assert parts == {"training step", "newest frame", "CEM rollouts", "loader", "SIGReg", "growth"}
    assert all(row.value > 0 for row in rows if "exponent" not in row.case)
    steps = {(row.case, row.unit): row for row in rows if row.part == "training step"}
    row = steps["LeWorldModel, 256 projections", "agent-sequences/CPU-s"]
    assert row.cpu_ms is not None
    assert row.value == pytest.approx(2 * 8 / row.cpu_ms * 1e3)  # 2 scenes of 8 agents
    write(rows, {"threads": "1"}, tmp_path / "new" / "results.csv")
    with open(tmp_path / "new" / "results.csv") as file:
        assert [line["case"] for line in csv.DictReader(file)] == [row.case for row in rows]


def test_both_loaders_give_the_same_windows(tmp_path: Path):
    loaders = loading.cases(tmp_path, recordings=2, agents=9, frames=70)
    counts = {name: count for name, (_, count) in loaders.items()}
    assert counts["SceneDataModule"] == counts["plain loader"] > 10
    assert {call() for call, _ in loaders.values()} == set(counts.values())


def test_memory_is_linear_in_agents():
    few, many = (growth.kept_for_backward(n, neighbours=24, scenes=1) for n in (32, 128))
    assert many / few == pytest.approx(4.0, rel=0.25)


@pytest.mark.parametrize("reference", [LeWorldModel(projections=8), GruVicReg()], ids=["LeWorldModel", "GRU"])
def test_references_learn_and_roll(reference: LeWorldModel | GruVicReg):
    torch.manual_seed(0)
    observed, actions = torch.randn(6, 9, 48), torch.randn(6, 9, 2)
    optimizer = torch.optim.AdamW(reference.parameters(), lr=1e-3)
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        loss = reference.loss(observed, actions)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    path = reference.eval().rollout(torch.zeros(128), actions[:, :5])
    changed = actions[:, :5].clone()
    changed[:, 3:] += 1.0
    other = reference.rollout(torch.zeros(128), changed)
    torch.testing.assert_close(other[:, :3], path[:, :3])
    assert path.shape == (6, 5, 128)
    assert (other[:, 3:] - path[:, 3:]).abs().max() > 1e-4


def test_plans_are_counted_to_the_last_one_within_a_budget():
    """Also where a budget ends amid a round; one with its gradient counts as three."""
    counted = Counted(lambda plans: plans[..., 0], [2, 5])
    values = torch.tensor([[[3.0], [2.0], [1.0]]])
    counted(values)
    assert float(counted.reached[2][0]) == 2.0
    with pytest.raises(Spent):
        counted(values - 1.5)
    assert float(counted.reached[5][0]) == 0.5
    counted = Counted(lambda plans: plans[..., 0], [3, 9])
    counted(values[:, :2].requires_grad_())
    assert float(counted.reached[3][0]) == 3.0
    assert counted.plans == 6
