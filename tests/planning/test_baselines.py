"""Laws that every baseline keeps: those of all suites, and the optional ones of configs/baseline."""

from functools import cache
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from jepa_social.geometry import rotate
from jepa_social.planning.build import baseline
from jepa_social.scene import FAR, Scene
from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.scenarios import CircleCrossing, Corridor, Doorway

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


@cache
def composed(entry: str, *overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose(entry, overrides=list(overrides))


def rows() -> dict[str, DictConfig]:
    """Every different baseline of the suites in which policies walk, and every option of the group."""
    found: dict[str, DictConfig] = {}
    for path in sorted((CONFIGS / "suite").glob("*.yaml")):
        suite = composed("eval", "run=unused", f"suite={path.stem}").suite
        if isinstance(suite.get("baselines"), DictConfig):
            for name, chosen in suite.baselines.items():
                if chosen not in found.values():
                    found[f"{path.stem}.{name}"] = chosen
    for path in sorted((CONFIGS / "baseline").glob("*.yaml")):
        chosen = OmegaConf.load(path)
        assert isinstance(chosen, DictConfig)
        if chosen not in found.values():
            found[path.stem] = chosen
    return found


ROWS = rows()


class Turned:
    """A world seen by someone who stands elsewhere and looks another way."""

    def __init__(self, world, angle: float, shift: tuple[float, float]):
        self.world, self.angle, self.shift = world, torch.tensor(angle), shift
        self.dt, self.visible = world.dt, world.visible

    def branch(self, copies=1, scenes=None):
        return Turned(self.world.branch(copies, scenes), float(self.angle), self.shift)

    def step(self, action):
        self.world.step(rotate(action, -self.angle.to(action)))
        return self.scene()

    def hide_ego(self, scenes):
        self.world.hide_ego(scenes)

    def scene(self, frames=None):
        return self.world.scene(frames).transform(self.angle, self.shift)


@cache
def moment(visible: bool = True) -> Crowd:
    """Four crowds of several sizes and walls, all under way."""
    world = Crowd([CircleCrossing(), Corridor(), Doorway(), CircleCrossing()], (3, 6), visible=visible)
    scene = world.reset(range(4))
    for _ in range(5):
        assert scene.goal is not None
        to = scene.goal - scene.position[:, 0, -1]
        scene = world.step(to / to.norm(dim=-1, keepdim=True))
    return world


def built(name: str, world):
    """The policy, with a budget of its planner that is small but not without samples."""
    planner = composed("train", "planner.solver.samples=40", "planner.mpc.horizon=2.5").planner
    policy = baseline(ROWS[name], world, planner)
    policy.reset()
    return policy


def act(name: str, world=None, scene: Scene | None = None) -> torch.Tensor:
    world = world or moment()
    return built(name, world).act(scene if scene is not None else world.scene())


def test_the_sceptics_baselines_are_here():
    kinds = [row["_target_"].rsplit(".", 1)[1] for row in ROWS.values()]
    assert {"StraightLine", "SocialForce", "Orca", "DynamicWindow", "Learned"} <= set(kinds)
    assert {"oracle_planner", "constant_velocity_in"} <= set(kinds)
    assert kinds.count("Orca") >= 3, "several margins"


@pytest.mark.parametrize("name", ROWS)
def test_acts_are_finite_and_within_the_speed_limit(name):
    scene = moment().scene()
    action = act(name)
    assert action.shape == (4, 2)
    assert action.isfinite().all()
    assert scene.speed is not None
    assert (action.norm(dim=-1) <= scene.speed + 1e-5).all()
    assert (action.norm(dim=-1) > 0.05).any(), "somebody goes somewhere"


@pytest.mark.parametrize("name", ROWS)
def test_turning_the_world_turns_the_act(name):
    turned = Turned(moment(), 1.1, (3.0, -2.0))
    expected = rotate(act(name), torch.tensor(1.1))
    torch.testing.assert_close(act(name, turned, turned.scene()), expected, rtol=0, atol=2e-3)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if not row["_target_"].endswith("oracle_planner")])
def test_worlds_may_lie_anywhere(name):
    far = moment().scene().clone()
    assert far.goal is not None
    assert far.walls is not None
    padding = far.walls == FAR
    far.position = torch.where(far.present[..., None], far.position.double() + 4e5, 0.0)
    far.goal, far.walls = far.goal.double() + 4e5, torch.where(padding, FAR, far.walls.double() + 4e5)
    torch.testing.assert_close(act(name, scene=far).float(), act(name), rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", ROWS)
def test_padding_and_order_do_not_matter(name):
    world = moment()
    scene, action = world.scene(), act(name)
    order = torch.tensor([4, 0, 5, 2, 6, 1, 3])
    torch.testing.assert_close(act(name, world, scene.permute(order)), action, rtol=0, atol=1e-4)
    torch.testing.assert_close(act(name, world, scene.pad(9)), action, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ROWS)
def test_alone_as_in_company(name):
    alone = moment().branch(1, [2])
    torch.testing.assert_close(act(name, alone, alone.scene()), act(name)[2:3], rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ROWS)
def test_who_is_on_the_goal_stays(name):
    world = Crowd(CircleCrossing(), 1, visible=False)
    scene = world.reset([3])
    scene.goal = scene.position[:, 0, -1].clone()
    assert (scene.position[0, 1, -1] - scene.goal[0]).norm() > 3.0, "nobody is in the way"
    assert act(name, world, scene).norm() < 0.05
