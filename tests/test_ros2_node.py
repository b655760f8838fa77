"""The example node with a clock, a tracker and a robot that misbehave as real ones do."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

import jepa_social
from examples.ros2_node import Goal, Navigator, Odometry, People, Person, Track, Twist
from jepa_social.scene import Scene


class Node:
    """What rclpy's node does, by hand."""

    def __init__(self):
        self.time = 100.0
        self.callbacks: dict[str, Callable] = {}
        self.published: list[Twist] = []

    def create_subscription(self, kind, topic, callback, depth):
        self.callbacks[topic] = callback

    def create_publisher(self, kind, topic, depth):
        return self

    def create_timer(self, period, callback):
        self.tick = callback

    def publish(self, message):
        self.published.append(message)

    def send(self, topic, message):
        self.callbacks[topic](message)


class Straight:
    """A policy that goes for the goal and remembers what it was shown."""

    def __init__(self):
        self.scenes: list[Scene] = []
        self.resets = 0

    def reset(self):
        self.resets += 1

    def act(self, scene: Scene) -> torch.Tensor:
        self.scenes.append(scene)
        to = scene.goal - scene.position[:, 0, -1]
        return to / to.norm(dim=-1, keepdim=True)


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def policy() -> Straight:
    return Straight()


@pytest.fixture
def navigator(node, policy) -> Navigator:
    return Navigator(node, policy, now=lambda: node.time)


def hear(node: Node, *people: Person, yaw: float = 0.0, x: float = 0.0) -> None:
    node.send("odometry", Odometry(node.time, x, 0.0, yaw))
    node.send("people", People(node.time, people))


def test_it_stands_until_it_has_a_goal_and_at_the_goal(node, policy, navigator):
    hear(node)
    node.tick()
    node.send("goal", Goal((3.0, 0.0)))
    node.tick()
    node.send("goal", Goal((0.1, 0.0)))
    node.tick()
    node.send("goal", Goal(None))
    node.tick()
    assert [(c.ahead, c.left) for c in node.published] == [(0.0, 0.0), (1.0, 0.0), (0.0, 0.0), (0.0, 0.0)]
    assert len(policy.scenes) == 1


def test_commands_are_in_the_robots_own_frame(node, navigator):
    hear(node, yaw=math.pi / 2)
    node.send("goal", Goal((3.0, 0.0)))
    node.tick()
    assert node.published[-1].ahead == pytest.approx(0.0, abs=1e-6)
    assert node.published[-1].left == pytest.approx(-1.0)


def test_irregular_stamps_are_resampled(node, policy, navigator):
    """Messages at random times of two people who walk straight: the policy sees straight walks at its own rate."""
    node.send("goal", Goal((9.0, 0.0)))
    chance, start = np.random.default_rng(0), node.time
    times = start + np.cumsum(chance.uniform(0.03, 0.3, 25))
    for node.time in times:
        passed = node.time - start
        people = [Person(7, 2.0 - passed, 1.0, -1.0, 0.0), Person(9, 4.0, passed * 0.5)]
        hear(node, *people, x=0.2 * passed)
    node.time = float(times[-1]) + 0.05
    node.tick()
    scene = policy.scenes[-1]
    passed = node.time - start - 0.1 * np.arange(20, -1, -1)
    assert scene.present.all()
    np.testing.assert_allclose(scene.position[0, 1, :, 0], 2.0 - passed, atol=1e-3)
    np.testing.assert_allclose(scene.position[0, 2, :, 1], 0.5 * passed, atol=1e-3)
    np.testing.assert_allclose(scene.position[0, 0, :-1, 0], 0.2 * passed[:-1], atol=1e-3)
    np.testing.assert_allclose(scene.velocity[0, 1, 1:].numpy(), [[-1.0, 0.0]] * 20, atol=0.02)


def test_a_newcomer_moves_from_the_first_message_on(node, policy, navigator):
    node.send("goal", Goal((9.0, 0.0)))
    hear(node, Person(1, 3.0, 0.0, -1.0, 0.5))
    node.tick()
    np.testing.assert_allclose(policy.scenes[-1].velocity[0, 1, -1], [-1.0, 0.5], atol=1e-3)


def test_who_is_lost_walks_on_for_a_while_and_is_then_forgotten(node, policy, navigator):
    node.send("goal", Goal((9.0, 0.0)))
    hear(node, Person(1, 3.0, 0.0, -1.0, 0.0), Person(2, 5.0, 5.0, 0.0, 0.0))
    node.time += 0.5
    hear(node, Person(2, 5.0, 5.0, 0.0, 0.0))
    node.tick()
    np.testing.assert_allclose(policy.scenes[-1].position[0, 1, -1], [2.5, 0.0], atol=1e-3)
    node.time += 0.5
    hear(node, Person(2, 5.0, 5.0, 0.0, 0.0))
    node.tick()
    assert policy.scenes[-1].agents == 2
    assert set(navigator.people) == {2}


@pytest.mark.parametrize("silent", ["people", "odometry"])
def test_it_stops_when_a_sensor_falls_silent(node, policy, navigator, silent):
    node.send("goal", Goal((9.0, 0.0)))
    hear(node)
    node.tick()
    for _ in range(10):
        node.time += 0.1
        if silent == "people":
            node.send("odometry", Odometry(node.time, 0.0, 0.0, 0.0))
        else:
            node.send("people", People(node.time))
        node.tick()
    moved = [command.ahead > 0 for command in node.published]
    assert moved == [True] * 9 + [False] * 2, "0.8 s are bridged"
    hear(node)
    node.tick()
    assert node.published[-1].ahead > 0, "and it goes on when they speak again"


def test_nonsense_late_and_repeated_messages_change_nothing(node, policy, navigator):
    node.send("goal", Goal((9.0, 0.0)))
    for step in range(5):
        node.time += 0.1
        hear(node, Person(1, 3.0 - 0.1 * step, 0.0, -1.0, 0.0))
    node.tick()
    node.send("people", People(node.time - 0.25, [Person(1, 9.0, 9.0)]))
    node.send("people", People(node.time, [Person(1, 2.8, 0.3)]))
    node.send("people", People(node.time, [Person(3, math.nan, 0.0)]))
    node.send("odometry", Odometry(node.time, math.inf, 0.0, math.nan))
    node.tick()
    torch.testing.assert_close(policy.scenes[0].position, policy.scenes[1].position[:, :2])
    assert not policy.scenes[1].present[0, 2:].any()


def test_stamps_from_the_future_are_not_believed(node, policy, navigator):
    node.send("goal", Goal((9.0, 0.0)))
    hear(node, Person(1, 3.0, 0.0))
    for stamp in (node.time + 3600.0, math.nan):
        node.send("people", People(stamp, [Person(1, 3.5, 0.0), Person(2, 1.0, 0.0)]))
        node.send("odometry", Odometry(stamp, 1.0, 0.0, 0.0))
    node.tick()
    assert policy.scenes[-1].position[0, :, -1].tolist() == [[0.0, 0.0], [3.0, 0.0]]
    node.time += 1.0
    node.tick()
    assert node.published[-1] == Twist(0.0, 0.0)


def test_an_id_that_jumps_is_somebody_else(node, policy, navigator):
    node.send("goal", Goal((9.0, 0.0)))
    hear(node, Person(1, 3.0, 0.0, 0.0, 0.0))
    node.time += 0.1
    hear(node, Person(1, -4.0, 0.0, 0.0, 0.0))
    node.tick()
    assert float(policy.scenes[-1].velocity[0, 1].norm(dim=-1).max()) < 0.1


def test_a_clock_that_goes_back_starts_afresh(node, policy, navigator):
    node.send("goal", Goal((9.0, 0.0)))
    hear(node, Person(1, 3.0, 0.0))
    node.tick()
    resets = policy.resets
    node.time = 3.0
    node.tick()
    assert policy.resets > resets
    assert node.published[-1] == Twist(0.0, 0.0), "nothing is known yet"
    hear(node)
    node.tick()
    assert node.published[-1].ahead == pytest.approx(1.0)
    assert policy.scenes[-1].agents == 1


def test_a_policy_that_fails_stops_the_robot(node, policy, navigator):
    node.send("goal", Goal((9.0, 0.0)))
    hear(node)
    policy.act = lambda scene: 1 / 0
    with pytest.raises(ZeroDivisionError):
        node.tick()
    assert node.published[-1] == Twist(0.0, 0.0)


def test_a_gap_is_not_bridged_for_ever():
    track = Track(span=5.0, gap=0.8, lead=0.25)
    for time in (0.0, 0.5, 2.0, 2.5):
        track.add(time, time, 0.0)
    seen = np.isfinite(track.at(np.array([-0.1, 0.0, 0.25, 0.5, 1.0, 1.9, 2.0, 2.25, 3.2, 3.4]))).all(-1)
    assert seen.tolist() == [False, True, True, True, False, False, True, True, True, False]


def test_the_shipped_model_drives_it_past_somebody(node):
    """Closed loop at 10 Hz; the tracker runs at another rate, loses every fourth message and knows two who meet us."""
    navigator = Navigator(node, jepa_social.load_policy("pretrained"), now=lambda: node.time)
    node.send("goal", Goal((6.0, 0.0)))
    robot, people = np.zeros(2), np.array([[6.0, 0.1, -0.8, 0.0], [3.0, -3.0, 0.0, 0.8]])
    nearest, begun, told = np.inf, node.time, 0
    while np.linalg.norm(robot - [6.0, 0.0]) > 0.2 and node.time < begun + 20:
        node.send("odometry", Odometry(node.time, *robot, 0.5))
        if round((node.time - begun) / 0.1) % 2 == 0:
            told += 1
            if told % 4:
                node.send("people", People(node.time, [Person(i, *map(float, p)) for i, p in enumerate(people)]))
        node.tick()
        ahead, left = node.published[-1].ahead, node.published[-1].left
        turn = np.array([[math.cos(0.5), -math.sin(0.5)], [math.sin(0.5), math.cos(0.5)]])
        robot = robot + 0.1 * turn @ [ahead, left]
        people[:, :2] += 0.1 * people[:, 2:]
        node.time += 0.1
        nearest = min(nearest, float(np.linalg.norm(people[:, :2] - robot, axis=-1).min()))
    assert np.linalg.norm(robot - [6.0, 0.0]) <= 0.2
    assert nearest > 0.6, "discs of 0.3 m each"
    assert max(math.hypot(c.ahead, c.left) for c in node.published) <= 1.0 + 1e-5
    assert navigator.people
