"""The benchmarks measure what they say they do."""

import csv
from pathlib import Path

import pytest
import torch

from benchmarks import crowds, growth, loading, peers, worlds
from benchmarks import planner as planning
from benchmarks.pretraining import Sizes, measure
from benchmarks.references import GruVicReg, LeWorldModel
from benchmarks.rows import write
from benchmarks.solvers import Counted, Spent
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
    said: list[str] = []
    measured = list(planning.measure(rows, people=2, decisions=2, episodes=2, batch=2, tell=said.append))
    planners = ["constant-velocity MPC", "jepa", "jepa, reaction to each plan"]
    assert [row.policy for row in measured[2:]] == planners
    assert [row.plans for row in measured] == ["", ""] + ["40 x 1"] * 3
    assert said[-1] == "jepa, reaction to each plan 40 x 1: 2 of 2 episodes"
    assert all(0 < row.p50 <= row.p99 and 0 <= row.success + row.collision <= 1 for row in measured)
    assert measured[2].p50 < measured[3].p50, "extrapolation costs less than imagination"
    about, path = {"threads": "1"}, tmp_path / "new" / "planner.csv"
    planning.write(measured, about, path)
    assert (tmp_path / "new" / "planner.png").stat().st_size > 1000
    again = planning.read(path, about, episodes=2)
    assert [(row.policy, row.plans) for row in again] == [(row.policy, row.plans) for row in measured]
    assert [row.p50 for row in again] == pytest.approx([row.p50 for row in measured], rel=1e-3)
    assert planning.read(path, {"threads": "2"}, episodes=2) == [], "another machine or commit is measured anew"
    assert planning.read(path, about, episodes=3) == []


def test_cheap_budgets_come_first():
    budgets = [budget for _, budget, _ in planning.planners(world_model(), planner_config(), [(300, 10), (48, 2)])]
    assert budgets == ["", ""] + ["48 x 2"] * 3 + ["300 x 10"] * 3


def test_both_loaders_give_the_same_windows(tmp_path: Path):
    loaders = loading.cases(tmp_path, recordings=2, agents=9, frames=70)
    counts = {name: count for name, (_, count) in loaders.items()}
    assert counts["SceneDataModule"] == counts["plain loader"] > 10
    assert {call() for call, _ in loaders.values()} == set(counts.values())


def test_memory_is_linear_in_agents():
    few, many = (growth.kept_for_backward(n, neighbours=24, scenes=1) for n in (32, 128))
    assert many / few == pytest.approx(4.0, rel=0.25)


def test_worlds_are_measured_beside_whatever_is_installed(monkeypatch: pytest.MonkeyPatch):
    def absent(start: crowds.Start, steps: int):
        raise ImportError("No module named 'vmas'")

    absent.__name__ = "vmas_cases"
    monkeypatch.setattr(peers, "vmas_cases", absent)
    monkeypatch.setattr(peers, "jupedsim_cases", lambda start, steps: {})
    monkeypatch.setattr(peers, "pysocialforce_cases", lambda start, steps: {})
    said = []
    sizes = worlds.WorldSizes(repeats=1, crowds=((3, 4), (1, 14)), steps=2, apart=2, agents_of_vmas=10)
    rows, left_out = worlds.measure(sizes, said.append)
    assert said == ["3 x 4", "1 x 14"]
    assert {row.part for row in rows} == set(said)
    assert all(row.value > 0 for row in rows)
    by_case = {row.case: row for row in rows if row.part == "3 x 4"}
    for case, work in (("ours, ORCA, World.step", 3 * 4 * 2), ("ours, social force, velocities", 12), ("pyrvo", 2 * 8)):
        spent = by_case[case].cpu_ms
        assert spent is not None
        assert by_case[case].value == pytest.approx(work / spent * 1e3)
    assert "vmas is left out" in left_out[0]
    assert "not asked for more than 10" in left_out[1]


@pytest.mark.parametrize("name", ["jupedsim", "vmas"])  # PySocialForce is left out: it compiles for half a minute
def test_other_peoples_simulators_step(name: str):
    pytest.importorskip(name)
    cases = getattr(peers, f"{name}_cases")(crowds.start(2, 3), 2)
    assert cases
    for case in cases.values():
        case()


def test_a_world_is_timed_from_the_same_moment_every_time(monkeypatch: pytest.MonkeyPatch):
    seen = []
    step = crowds.Crowd.step

    def watched(self: crowds.Crowd, action: torch.Tensor):
        seen.append(step(self, action))
        return seen[-1]

    run = crowds.world_case(2, 4, 3, social_force=True)
    monkeypatch.setattr(crowds.Crowd, "step", watched)
    run()
    run()
    assert len(seen) == 6
    assert torch.equal(seen[2].position, seen[5].position)
    assert not torch.equal(seen[1].position, seen[2].position)


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
