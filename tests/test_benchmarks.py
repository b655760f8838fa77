"""The benchmarks measure what they say they do."""

import csv
from pathlib import Path

import pytest
import torch
from rich.progress import Progress

from benchmarks import growth, loading
from benchmarks import planner as planning
from benchmarks.pretraining import Sizes, measure, write
from benchmarks.references import GruVicReg, LeWorldModel
from tests.planning.strolls import planner_config, world_model

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


def test_planners_and_baselines_are_timed_and_walked_side_by_side(tmp_path: Path):
    rows = planning.planners(world_model(), planner_config(), [(40, 1)])
    measured = planning.measure(rows, people=2, decisions=2, episodes=2, batch=2, progress=Progress(disable=True))
    assert [row.policy for row in measured[:3]] == ["jepa", "jepa, reaction to each plan", "constant-velocity MPC"]
    assert [row.plans for row in measured] == ["40 x 1"] * 3 + ["", ""]
    assert all(0 < row.p50 <= row.p99 and 0 <= row.success + row.collision <= 1 for row in measured)
    assert measured[2].p50 < measured[0].p50, "extrapolation costs less than imagination"
    planning.write(measured, {"threads": "1"}, tmp_path / "new" / "planner.csv")
    with open(tmp_path / "new" / "planner.csv") as file:
        assert [line["policy"] for line in csv.DictReader(file)] == [row.policy for row in measured]
    assert (tmp_path / "new" / "planner.png").stat().st_size > 1000


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
