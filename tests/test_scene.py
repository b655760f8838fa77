"""`Scene`: what goes in, what comes out, and the conventions that every room relies on."""

import math

import numpy as np
import pytest
import torch
from tensordict import TensorDict

from jepa_social.kinematics import MIN_SPEED, known_velocity, oriented
from jepa_social.scene import FAR, Scene
from tests.conftest import line, random_scene


def assert_same(a: Scene, b: Scene, atol: float = 1e-5) -> None:
    for name in ("position", "velocity", "heading"):
        torch.testing.assert_close(getattr(a, name), getattr(b, name), atol=atol, rtol=1e-4)
    for name in ("present", "kind", "radius", "ego"):
        assert torch.equal(getattr(a, name), getattr(b, name)), name


# ---- from_arrays


def test_arrays_of_one_scene_and_of_a_batch_give_the_same():
    whole = random_scene(batch=1, gaps=False)
    single = Scene.from_arrays(whole.position[0].numpy(), 0.4, ego=0, goal=whole.goal[0].numpy(), speed=1.2)
    assert single.batch_size == torch.Size([1])
    assert_same(single, whole)
    assert torch.equal(single.goal, whole.goal)
    assert (single.agents, single.frames) == (5, 12)


def test_shapes_and_types():
    scene = Scene.from_arrays(np.zeros((2, 3, 4, 2), np.float64), 0.4, goal=np.zeros((2, 2)), speed=1)
    shapes = {
        "position": (2, 3, 4, 2), "velocity": (2, 3, 4, 2), "heading": (2, 3, 4), "present": (2, 3, 4),
        "kind": (2, 3), "radius": (2, 3), "ego": (2,), "dt": (2,), "goal": (2, 2), "speed": (2,),
    }  # fmt: skip
    for name, shape in shapes.items():
        assert tuple(getattr(scene, name).shape) == shape, name
    assert scene.position.dtype == scene.heading.dtype == scene.radius.dtype == torch.float32
    assert scene.present.dtype == torch.bool
    assert scene.kind.dtype == scene.ego.dtype == torch.long


def test_nan_means_absent():
    position = np.zeros((2, 5, 2))
    position[1, 2] = np.nan
    position[1, 3, 0] = np.nan
    scene = Scene.from_arrays(position, 0.4)
    assert scene.present[0, 1].tolist() == [True, True, False, False, True]
    assert scene.present[0, 0].all()
    for value in (scene.position, scene.velocity, scene.heading):
        assert value.isfinite().all()
    assert (scene.position[0, 1, 2:4] == 0).all()


def test_what_is_logged_of_absent_agents_is_forgotten():
    present = np.ones((2, 5), bool)
    present[1, 2] = False
    position = np.random.default_rng(0).normal(size=(2, 5, 2))
    scene = Scene.from_arrays(
        position, 0.4, present=present, velocity=np.ones((2, 5, 2)), heading=np.full((2, 5), np.nan)
    )
    assert (scene.position[0, 1, 2] == 0).all()
    assert (scene.velocity[0, 1, 2] == 0).all()
    assert (scene.heading == 0).all(), "an unknown heading is 0, never NaN"
    assert (scene.velocity[0, 0] == 1).all()


@pytest.mark.parametrize("name", ["velocity", "heading"])
def test_infinite_motion_is_refused_where_somebody_is(name):
    position = np.zeros((2, 3, 4, 2))
    position[1, 2, 3] = np.nan
    value = np.zeros((2, 3, 4, 2) if name == "velocity" else (2, 3, 4))
    value[1, 2, 3] = -np.inf
    assert (getattr(Scene.from_arrays(position, 0.4, **{name: value}), name) == 0).all()
    value[1, 2, 2] = np.inf
    with pytest.raises(ValueError, match=f"{name} must be finite or NaN .*; scene 1 has inf"):
        Scene.from_arrays(position, 0.4, **{name: value})


@pytest.mark.parametrize("batch", [1, 3, 4])
def test_broadcasting(batch):
    position = np.zeros((batch, 3, 4, 2))
    scalars = Scene.from_arrays(position, 0.4, radius=0.25, kind=1, ego=2, speed=1.3, goal=(3.0, 4.0))
    assert (scalars.radius == 0.25).all()
    assert (scalars.kind == 1).all()
    assert (scalars.ego == 2).all()
    assert (scalars.speed == 1.3).all()
    assert scalars.goal.tolist() == [[3.0, 4.0]] * batch
    rows = np.arange(batch) + 1.0
    each = Scene.from_arrays(position, rows, ego=np.arange(batch) % 3, speed=rows, goal=np.stack((rows, -rows), -1))
    assert each.dt.tolist() == each.speed.tolist() == rows.tolist()
    assert each.ego.tolist() == [i % 3 for i in range(batch)]
    assert each.goal.tolist() == [[r, -r] for r in rows]
    radius = np.random.default_rng(0).random((batch, 3)).astype(np.float32)
    assert np.array_equal(Scene.from_arrays(position, 0.4, radius=radius).radius.numpy(), radius)
    walls = np.arange(8.0).reshape(2, 4)
    assert Scene.from_arrays(position, 0.4, walls=walls).walls.shape == (batch, 2, 4)


def test_one_goal_serves_a_batch_of_two():
    scene = Scene.from_arrays(np.zeros((2, 3, 4, 2)), 0.4, goal=(3.0, 4.0))
    assert scene.goal.tolist() == [[3.0, 4.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    ("position", "extras", "says"),
    [
        (np.zeros((3, 4, 3)), {}, r"\[N,T,2\] or \[B,N,T,2\], got \(3, 4, 3\)"),
        (np.zeros((4, 2)), {}, r"got \(4, 2\)"),
        (np.zeros((3, 4, 2)), {"dt": 0.0}, "dt must be positive"),
        (np.zeros((3, 4, 2)), {"dt": np.nan}, "dt must be positive"),
        (np.zeros((3, 4, 2)), {"radius": np.ones(5)}, r"radius must have shape \[1, 3\], got \[1, 5\]"),
        (np.zeros((3, 4, 2)), {"present": np.ones((3, 5), bool)}, r"present must have shape \[1, 3, 4\]"),
        (np.zeros((3, 4, 2)), {"velocity": np.ones((3, 4))}, "velocity must have shape"),
        (np.zeros((3, 4, 2)), {"heading": np.ones((3, 3))}, "heading must have shape"),
        (np.zeros((3, 4, 2)), {"goal": np.ones(3)}, r"goal must have shape \[1, 2\]"),
        (np.zeros((3, 4, 2)), {"walls": np.ones((2, 5))}, "walls must have shape"),
        (np.zeros((2, 3, 4, 2)), {"ego": np.zeros(3)}, r"ego must have shape \[2\]"),
    ],
)
def test_bad_input_is_named(position, extras, says):
    with pytest.raises(ValueError, match=says):
        Scene.from_arrays(position, **({"dt": 0.4} | extras))


def test_a_present_agent_without_a_position_is_named():
    position = np.zeros((2, 3, 4, 2))
    position[1, 2, 3] = np.inf
    with pytest.raises(ValueError, match="scene 1, agent 2 is present at frame 3 but its position is not finite"):
        Scene.from_arrays(position, 0.4, present=np.ones((2, 3, 4), bool))


# ---- velocity and heading


def test_velocity_is_the_last_displacement_and_unknown_after_a_gap():
    position = np.array([[[0.0, 0.0], [1.0, 0.0], [np.nan, np.nan], [5.0, 0.0], [5.0, 2.0]]])
    scene = Scene.from_arrays(position, 0.5)
    assert scene.velocity[0, 0].tolist() == [[0, 0], [2, 0], [0, 0], [0, 0], [0, 4]]
    assert known_velocity(scene.present)[0, 0].tolist() == [False, True, False, False, True]


def test_velocity_and_heading_do_not_know_the_future():
    scene = random_scene()
    changed = scene.position.clone()
    changed[:, :, 7:] += 3.0
    after = Scene.from_arrays(changed, 0.4, present=scene.present)
    assert torch.equal(after.velocity[:, :, :7], scene.velocity[:, :, :7])
    assert torch.equal(after.heading[:, :, :7], scene.heading[:, :, :7])


def test_heading_is_the_direction_of_motion_anticlockwise_from_x():
    for velocity, angle in (((1, 0), 0.0), ((0, 1), math.pi / 2), ((-1, -1), -0.75 * math.pi)):
        scene = line(velocity)
        torch.testing.assert_close(scene.heading[0, 0, 1:], torch.full((8,), angle))
        assert scene.heading[0, 0, 0] == 0
        assert oriented(scene.velocity, scene.present)[0, 0].tolist() == [False] + [True] * 8


def test_who_stands_keeps_their_heading_and_who_never_moved_has_none():
    creep = 0.5 * MIN_SPEED * 0.4
    position = np.array([[0.0, 0.0], [0.0, 1.0], [creep, 1.0], [2 * creep, 1.0], [2 * creep, 1.0]])
    scene = Scene.from_arrays(np.stack((position, np.zeros((5, 2)))), 0.4)
    torch.testing.assert_close(scene.heading[0, 0], torch.tensor([0.0] + 4 * [math.pi / 2]))
    assert (scene.heading[0, 1] == 0).all()
    assert not oriented(scene.velocity, scene.present)[0, 1].any()


# ---- sets of agents


def test_permuting_there_and_back_and_the_ego_goes_along():
    scene = random_scene()
    scene.ego = torch.tensor([0, 3, -1])
    order = torch.tensor([2, 0, 4, 1, 3])
    moved = scene.permute(order)
    assert moved.ego.tolist() == [1, 4, -1]
    rows = torch.arange(2)
    assert torch.equal(moved.position[rows, moved.ego[:2]], scene.position[rows, scene.ego[:2]])
    assert_same(moved.permute(order.argsort()), scene)


def test_padding_adds_nobody():
    scene = random_scene()
    padded = scene.pad(8)
    assert padded.agents == 8
    assert not padded.present[:, 5:].any()
    assert torch.equal(padded.position[:, :5], scene.position)
    assert scene.agents == 5, "the original is untouched"
    with pytest.raises(ValueError, match="cannot pad 5 agents down to 4"):
        scene.pad(4)


def test_a_rigid_motion_and_its_inverse():
    scene = random_scene()
    scene.walls = torch.randn(3, 2, 4)
    moved = scene.transform(0.7, (3.0, -1.0))
    shift = moved.transform(-0.7, (0.0, 0.0)).transform(0.0, -_rotated((3.0, -1.0), -0.7))
    assert_same(shift, scene)
    torch.testing.assert_close(shift.goal, scene.goal, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(shift.walls, scene.walls, atol=1e-5, rtol=1e-4)


def _rotated(vector, angle: float) -> torch.Tensor:
    c, s = math.cos(angle), math.sin(angle)
    return torch.tensor([[c, -s], [s, c]]) @ torch.tensor(vector)


def test_a_moved_scene_is_the_scene_of_moved_positions():
    scene = random_scene()
    moved = scene.transform(1.1, (2.0, 5.0))
    again = Scene.from_arrays(moved.position, 0.4, present=moved.present, ego=moved.ego)
    torch.testing.assert_close(moved.velocity, again.velocity, atol=1e-4, rtol=1e-4)
    turn = (moved.heading - again.heading)[oriented(scene.velocity, scene.present)]
    torch.testing.assert_close(turn.cos(), torch.ones_like(turn))
    assert (moved.position[~scene.present] == 0).all(), "padding stays where it is"


def test_between_cuts_time_and_shares_nothing_of_the_rest():
    scene = random_scene()
    part = scene.between(3, 7)
    assert part.frames == 4
    assert torch.equal(part.position, scene.position[:, :, 3:7])
    assert torch.equal(part.heading, scene.heading[:, :, 3:7])
    assert scene.frames == 12


def test_collated_scenes_come_apart_again():
    few, many = random_scene(batch=2, agents=3, seed=1), random_scene(batch=1, agents=6, seed=2)
    both = Scene.collate([few, many])
    assert (both.agents, len(both.dt)) == (6, 3)
    assert_same(both[:2], few.pad(6))
    assert_same(both[2:], many)


def test_collated_walls_are_padded_out_of_reach():
    near, none = random_scene(batch=1), random_scene(batch=1)
    near.walls, none.walls = torch.zeros(1, 2, 4), torch.zeros(1, 1, 4)
    walls = Scene.collate([near, none]).walls
    assert walls.shape == (2, 2, 4)
    assert (walls[1, 1] == FAR).all()
    assert none.walls.shape == (1, 1, 4), "the scenes themselves are untouched"


def test_scenes_with_and_without_walls_can_be_collated():
    near, open_space = random_scene(batch=1), random_scene(batch=2)
    near.walls = torch.zeros(1, 2, 4)
    walls = Scene.collate([near, open_space]).walls
    assert walls.shape == (3, 2, 4)
    assert (walls[0] == 0).all()
    assert (walls[1:] == FAR).all()


def test_truth_is_padded_as_the_agents_are():
    few, many = random_scene(batch=2, agents=3), random_scene(batch=1, agents=5)
    for scene in (few, many):
        scene.truth = TensorDict({"goal": torch.ones(*scene.radius.shape, 2)}, batch_size=[len(scene.dt)])
    goal = Scene.collate([few, many]).truth["goal"]
    assert goal.shape == (3, 5, 2)
    assert (goal[:2, :3] == 1).all()


def test_scenes_that_do_not_go_together_are_refused():
    with pytest.raises(ValueError, match=r"differ in frames: \[6, 12\]"):
        Scene.collate([random_scene(), random_scene(frames=6)])
    other = random_scene()
    other.goal = None
    with pytest.raises(ValueError, match="some scenes have `goal`"):
        Scene.collate([random_scene(), other])


def test_the_nearest_keep_their_rows_and_the_ego_comes_first():
    scene = random_scene(agents=7).permute(torch.tensor([3, 1, 0, 2, 4, 5, 6]))
    few = scene.nearest(4)
    assert few.agents == 4
    assert (few.ego == 0).all()
    rows = torch.arange(3)
    assert torch.equal(few.position[:, 0], scene.position[rows, scene.ego])
    gap = (few.position[:, 1:, -1] - few.position[:, :1, -1]).norm(dim=-1)
    assert (gap.diff(dim=1) >= 0)[few.present[:, 2:, -1]].all()
    assert scene.nearest(99).agents == 7


def test_nobody_is_near_where_there_is_no_ego():
    scene = random_scene()
    scene.ego = torch.tensor([0, -1, 1])
    with pytest.raises(ValueError, match=r"scene 1 has no ego \(ego = -1\): nobody to be near"):
        scene.nearest(2)
