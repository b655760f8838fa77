"""A program made of a model says what the model says, for any number of scenes and plans."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.export import ExportedProgram

from jepa_social.export import ImaginedPositions, check, example, export_model
from jepa_social.mind.world_model import WorldModel
from jepa_social.models.jepa import SocialJEPA
from jepa_social.scene import FAR
from tests.models.walled import heeding_walls
from tests.planning.strolls import SMALL

ROOT = Path(__file__).resolve().parents[1]
HORIZON = 3
"""Tracing takes time for every step."""


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    torch.manual_seed(1)
    model = WorldModel(SocialJEPA(SMALL), dt=0.25, horizon=HORIZON)
    torch.nn.init.normal_(
        model.motion.out[-1].get_parameter("weight"), std=0.3
    )  # it would say nothing beyond constant velocity
    model.save(folder)
    return folder


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory) -> ExportedProgram:
    path = tmp_path_factory.mktemp("out") / "world.pt2"
    sizes = (
        "agents=4",
        "frames=3",
        "samples=5",
    )  # in a process of its own: tracing through checked annotations is slow
    command = [sys.executable, "-m", "jepa_social.export", f"run={run}", f"out={path}", *sizes]
    subprocess.run(command, check=True, cwd=ROOT)
    return torch.export.load(path)


@pytest.fixture(scope="module")
def program(exported):
    return exported.module()


@pytest.mark.parametrize(("scenes", "plans"), [(1, 1), (1, 48), (4, 2), (9, 5)])
@torch.no_grad()
def test_it_equals_the_model(run, program, scenes, plans):
    model = WorldModel.load(run)
    case = example(model, scenes, agents=4, frames=3, samples=plans)
    found, expected = program(*case), ImaginedPositions(model)(*case)
    assert found.shape == (scenes, plans, 4, HORIZON, 2)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert float((found - case[0][:, None, :, -1:]).abs().max()) > 0.1, "somebody moves"


@torch.no_grad()
def test_it_reacts_to_plans_and_heeds_presence(run, program):
    case = list(example(WorldModel.load(run), 2, agents=4, frames=3, samples=2))
    case[3][:, :, -1] = True
    other = [value.clone() for value in case]
    other[-1] = -other[-1]
    assert not torch.equal(program(*case)[:, :, 1:], program(*other)[:, :, 1:])
    lost = [value.clone() for value in case]
    lost[3][:, 3] = False
    moved = [value.clone() for value in lost]
    moved[0][:, 3] += 50.0
    torch.testing.assert_close(program(*lost)[:, :, :3], program(*moved)[:, :, :3], rtol=0, atol=1e-5)


def test_a_model_that_sees_walls_takes_any_number_of_them(tmp_path):
    torch.manual_seed(1)
    model = WorldModel(SocialJEPA(replace(SMALL, walls=8)), dt=0.25, horizon=1)
    torch.nn.init.normal_(model.motion.out[-1].get_parameter("weight"), std=0.3)
    heeding_walls(model).save(tmp_path)
    sizes = ("agents=2", "frames=2", "samples=2")
    command = [sys.executable, "-m", "jepa_social.export", f"run={tmp_path}", f"out={tmp_path / 'world.pt2'}", *sizes]
    subprocess.run(command, check=True, cwd=ROOT)
    program = torch.export.load(tmp_path / "world.pt2").module()
    for walls in (1, 7):
        case = list(example(model, 2, agents=2, frames=2, samples=3))
        case[-1] = torch.randn(2, walls, 4)
        with torch.no_grad():
            found, expected = program(*case), ImaginedPositions(model)(*case)
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
            far = program(*case[:-1], torch.full((2, walls, 4), FAR))
        assert not torch.allclose(found, far), "walls are heeded"


def test_nobody_need_be_the_ego(run, program):
    case = list(example(WorldModel.load(run), 2, agents=4, frames=3, samples=2))
    case[6] = torch.full_like(case[6], -1)
    with torch.no_grad():
        found = program(*case)
    torch.testing.assert_close(found[:, 0], found[:, 1], msg="plans of nobody change nothing")


def test_a_program_that_differs_is_refused_and_not_kept(run, exported, program, tmp_path, monkeypatch):
    model = WorldModel.load(run)
    case = example(model, 2, agents=4, frames=3, samples=5)
    check(program, ImaginedPositions(model), [case])
    torch.nn.init.constant_(model.motion.out[-1].get_parameter("bias"), 0.01)
    with pytest.raises(RuntimeError, match="off the model"):
        check(program, ImaginedPositions(model), [case])
    model.save(tmp_path / "other")
    monkeypatch.setattr(torch.export, "export", lambda *_, **__: exported)
    monkeypatch.setattr(torch.export, "load", lambda _: exported)
    with pytest.raises(RuntimeError, match="off the model"):
        export_model(tmp_path / "other", tmp_path / "out" / "world.pt2", agents=4, frames=3, samples=5)
    assert not list((tmp_path / "out").iterdir())


def test_wrong_sizes_are_named(run, tmp_path):
    with pytest.raises(ValueError, match="samples=1 >= 2"):
        export_model(run, tmp_path / "x.pt2", samples=1)
    with pytest.raises(FileNotFoundError, match=r"holds no model\.safetensors"):
        export_model(tmp_path, tmp_path / "x.pt2")
