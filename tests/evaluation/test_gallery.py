"""The gallery: every cost, solver, baseline and scenario can be drawn, and its picture is shown."""

import ast
from functools import cache
from pathlib import Path

import pytest
import torch

from jepa_social.evaluation.figures import save
from jepa_social.evaluation.gallery.__main__ import groups
from jepa_social.evaluation.gallery.costs import straight_plans
from jepa_social.evaluation.gallery.picture import Picture, write_page
from jepa_social.evaluation.gallery.scene import gallery_scene
from jepa_social.evaluation.gallery.solvers import judged_paths
from jepa_social.planning.costs import PersonalSpace
from jepa_social.planning.dynamics import ConstantVelocity
from tests.planning.strolls import planner_config, world_model
from tests.stages.runs import CONFIGS, composed

ROOT = CONFIGS.parent
PAGE = ROOT / "docs" / "gallery.md"
SCENARIOS = ROOT / "jepa_social" / "worlds" / "scenarios"


def options(group: str) -> list[str]:
    return sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))


def subclasses(folder: Path, base: str) -> list[str]:
    """`name` of every class in `folder` that derives from `base`, whether or not anybody lists it."""
    found = []
    for path in folder.glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and any(isinstance(b, ast.Name) and b.id == base for b in node.bases):
                named = {
                    line.target.id: ast.literal_eval(line.value)
                    for line in node.body
                    if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value
                    if line.target.id == "name"
                }
                found.append(named["name"])
    assert found
    return sorted(found)


def expected() -> list[str]:
    """A picture for every term of the costs, every option of a group, every baseline of the suites, every scenario."""
    planners = [composed("train", f"cost@planner.cost={name}").planner for name in options("cost")]
    costs = {term for planner in planners for term in planner.cost.terms}
    walking = composed("eval", "run=unused", "suite=crowd").suite.baselines
    return [
        *(f"cost_{name}" for name in sorted(costs | {"risk"})),
        *(f"solver_{name}" for name in options("solver")),
        *(f"baseline_{name}" for name in sorted({*options("baseline"), *walking, "jepa"})),
        *(f"scenario_{name}" for name in subclasses(SCENARIOS, "Scenario")),
    ]


@cache
def pictures() -> dict[str, Picture]:
    config = composed(
        "gallery", "run=unused", "planner.solver.samples=36", "planner.solver.iterations=1", "spacing=0.6"
    )
    for solver in config.solvers.values():
        solver.update({key: 36 for key in solver if key == "samples"} | {"iterations": 1})
    made = groups(world_model(), config)
    return {picture.name: picture for _, some in made.values() for picture in some}


def test_nothing_is_left_out_and_nothing_is_drawn_twice():
    assert sorted(pictures()) == sorted(expected())
    shown = PAGE.read_text()
    assert {path.stem for path in (ROOT / "docs" / "gallery").glob("*.png")} == set(expected())
    assert [name for name in expected() if f"(gallery/{name}.png)" not in shown] == []


@pytest.mark.parametrize("name", expected())
def test_it_can_be_drawn(name, tmp_path):
    path = save(pictures()[name].draw(), tmp_path / f"{name}.png", dpi=40)
    assert path.stat().st_size > 4_000, "something is to be seen"
    assert (ROOT / "docs" / "gallery" / path.name).stat().st_size < 70_000, "a page of them must load"


def test_plans_go_straight_to_where_the_map_shows_them():
    place, imagined = straight_plans(ConstantVelocity(0.25), gallery_scene(0.25), 12, 0.15)
    torch.testing.assert_close(imagined.ego[0, :, -1], place, atol=1e-4, rtol=0)
    assert imagined.actions.norm(dim=-1).max() <= 1.4 + 1e-5
    cost = PersonalSpace()(imagined)[0]
    worst = place[cost.argmax()]
    nearest = (imagined.people[0, 0] - worst).norm(dim=-1).amin()
    assert nearest < 0.5, "the dearest place is in somebody's way"


def test_the_cheapest_path_that_a_solver_shows_is_the_one_it_chose():
    model, planner = world_model(), planner_config()
    scene, paths, cost = judged_paths(model, planner, planner.solver)
    assert len(paths) == planner.solver.iterations * planner.solver.samples
    torch.testing.assert_close(paths[:, 0], scene.position[:, 0, -1].expand(len(paths), -1))
    assert cost.min() < cost.median()
    nearest = torch.cdist(paths[cost.argmin()], scene.position[0, 1:, -1]).amin()
    assert nearest > 0.6, "nobody is run over by the best plan"


def test_the_page_shows_each_group_below_its_heading(tmp_path):
    some = [Picture(f"cost_{k}", f"number {k}", lambda: pytest.fail("the page draws nothing")) for k in range(4)]
    text = write_page({"Costs": ("Dear or cheap.", some)}, tmp_path / "shots").read_text()
    assert text.index("## Costs") < text.index("Dear or cheap.") < text.index("(shots/cost_0.png)")
    assert all(f"![number {k}](shots/cost_{k}.png)<br>number {k}" in text for k in range(4))
