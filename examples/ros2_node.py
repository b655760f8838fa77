"""A navigation node of ROS 2's shape in plain Python: subscribers, a timer at a fixed rate, a publisher.

It takes any node that has `create_subscription`, `create_publisher` and `create_timer`: `rclpy.node.Node` as it is, or
the stand-in of the tests. Messages are the three dataclasses below; where yours differ, convert them in the callbacks.

    rclpy.init()
    node = rclpy.create_node("navigator")
    Navigator(node, jepa_social.load_policy("pretrained"), now=lambda: node.get_clock().now().nanoseconds * 1e-9)
    rclpy.spin(node)

It stops (zero velocity) without a goal, at the goal, and whenever odometry or people have been silent for longer than
`stale`: an empty square is told by an empty `People` message, no message means a broken sensor. This is an example to
start from, not a certified controller: keep the robot's own emergency stop.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import cos, hypot, isfinite, nan, sin
from typing import Any

import numpy as np

from jepa_social import Scene

FASTEST = 4.0
"""m/s: a track that would have to jump faster is somebody else under an old id."""


@dataclass
class Person:
    """One tracked person: map frame, m and m/s. A velocity that is not known is NaN."""

    id: int
    x: float
    y: float
    vx: float = nan
    vy: float = nan


@dataclass
class People:
    """Everybody whom the tracker saw at `stamp` (s)."""

    stamp: float
    people: Sequence[Person] = field(default_factory=list)


@dataclass
class Odometry:
    """The robot at `stamp` (s): map frame, m and rad."""

    stamp: float
    x: float
    y: float
    yaw: float


@dataclass
class Goal:
    """Where to go (map frame, m); None stops the robot."""

    position: tuple[float, float] | None


@dataclass
class Twist:
    """Velocity command in the robot's own frame, m/s: ahead, to the left."""

    ahead: float
    left: float


class Track:
    """What was observed of one agent, at whatever times; read at the times that a scene needs.

    Args:
        span: s that are remembered.
        gap: s that are bridged: between two observations, after the last, and (one frame's worth) before the first.
        lead: s before the first observation into which a known velocity is carried back, so that it is not lost.
    """

    def __init__(self, span: float, gap: float, lead: float):
        self.span, self.gap, self.lead = span, gap, lead
        self.seen: deque[tuple[float, float, float]] = deque()
        self.velocity = (0.0, 0.0)

    def add(self, time: float, x: float, y: float, vx: float = nan, vy: float = nan) -> None:
        """Take an observation; late and repeated ones and what is not finite are left out."""
        if not all(map(isfinite, (time, x, y))) or (self.seen and time <= self.seen[-1][0]):
            return
        if self.seen:
            before = self.seen[-1]
            passed, moved = time - before[0], (x - before[1], y - before[2])
            if hypot(*moved) > FASTEST * passed + 0.5:
                self.seen.clear()
            elif not (isfinite(vx) and isfinite(vy)):
                vx, vy = moved[0] / passed, moved[1] / passed
        known = isfinite(vx) and isfinite(vy)
        self.velocity = (vx, vy) if known else (0.0, 0.0)
        if known and not self.seen:
            self.seen.append((time - self.lead, x - self.lead * vx, y - self.lead * vy))
        self.seen.append((time, x, y))
        while time - self.seen[0][0] > self.span:
            self.seen.popleft()

    def silent(self, now: float) -> float:
        """Seconds since the last observation."""
        return now - self.seen[-1][0] if self.seen else float("inf")

    def at(self, times: np.ndarray) -> np.ndarray:
        """Positions `[len(times),2]` m: linear in between, on at the last velocity afterwards, NaN beyond `gap`."""
        if not self.seen:
            return np.full((len(times), 2), nan)
        known = np.array(self.seen)
        later = np.searchsorted(known[:, 0], times).clip(1 if len(known) > 1 else 0, len(known) - 1)
        earlier = (later - 1).clip(0)
        out = np.stack([np.interp(times, known[:, 0], known[:, axis]) for axis in (1, 2)], axis=-1)
        out += (times - known[-1, 0]).clip(0)[:, None] * np.array(self.velocity)
        inside = (times >= known[0, 0] - 1e-6) & (times <= known[-1, 0] + self.gap)
        bridged = (known[later, 0] - known[earlier, 0] <= self.gap) | (times > known[-1, 0])
        exact = np.abs(times[:, None] - known[:, 0]).min(-1) < 1e-6
        out[~(inside & (bridged | exact))] = nan
        return out


class Navigator:
    """The node.

    Args:
        node: offers `create_subscription(type, topic, callback, depth)`, `create_publisher(type, topic, depth)` and
            `create_timer(period, callback)`, as in rclpy.
        policy: what `jepa_social.load_policy` gives.
        now: s, the clock that messages are stamped with.
        period: s between commands.
        speed: m/s, preferred and greatest.
        radius: m, the robot's. person_radius: m.
        memory: s of history that the policy sees.
        stale: s for which somebody who was not seen is believed to walk on, and after which silence stops the robot.
        near: m from the goal at which it is reached.
    """

    def __init__(
        self,
        node: Any,
        policy: Any,
        now: Callable[[], float],
        period: float = 0.1,
        speed: float = 1.0,
        radius: float = 0.3,
        person_radius: float = 0.3,
        memory: float = 2.0,
        stale: float = 0.8,
        near: float = 0.2,
    ):
        self.policy, self.now, self.period, self.speed, self.near = policy, now, period, speed, near
        self.radius, self.person_radius, self.memory, self.stale = radius, person_radius, memory, stale
        self.frames = round(memory / period) + 1
        self.goal: tuple[float, float] | None = None
        self.forget()
        node.create_subscription(People, "people", self.on_people, 10)
        node.create_subscription(Odometry, "odometry", self.on_odometry, 10)
        node.create_subscription(Goal, "goal", self.on_goal, 10)
        self.publisher = node.create_publisher(Twist, "cmd_vel", 10)
        self.timer = node.create_timer(period, self.on_timer)

    def forget(self) -> None:
        """Drop all tracks and plans, as after a restart of the world; the goal is kept."""
        self.people: dict[int, Track] = {}
        self.robot, self.yaw = self._track(), 0.0
        self.heard, self.ticked = -float("inf"), -float("inf")
        self.policy.reset()

    def on_people(self, message: People) -> None:
        """Add to tracks; new ids begin new ones."""
        if self._from_the_future(message.stamp):
            return
        self.heard = max(self.heard, message.stamp)
        for person in message.people:
            track = self.people.setdefault(person.id, self._track())
            track.add(message.stamp, person.x, person.y, person.vx, person.vy)

    def on_odometry(self, message: Odometry) -> None:
        """Where the robot is."""
        if self._from_the_future(message.stamp):
            return
        self.robot.add(message.stamp, message.x, message.y)
        self.yaw = message.yaw if isfinite(message.yaw) else self.yaw

    def on_goal(self, message: Goal) -> None:
        """A new goal, and with it a new plan."""
        self.goal = message.position
        self.policy.reset()

    def on_timer(self) -> None:
        """Publish one command; whatever goes wrong, a zero one."""
        command = Twist(0.0, 0.0)
        try:
            command = self.decide(self.now())
        finally:
            self.publisher.publish(command)

    def decide(self, now: float) -> Twist:
        """The command at time `now` (s)."""
        if now < self.ticked:  # the clock was set back: a simulation that starts again
            self.forget()
        self.ticked = now
        self.people = {name: track for name, track in self.people.items() if track.silent(now) <= self.stale}
        scene = self.scene(now)
        if scene is None:
            self.policy.reset()
            return Twist(0.0, 0.0)
        x, y = self.policy.act(scene)[0].tolist()
        return Twist(cos(self.yaw) * x + sin(self.yaw) * y, cos(self.yaw) * y - sin(self.yaw) * x)

    def scene(self, now: float) -> Scene | None:
        """What is known at time `now`, `period` apart; None where there is nothing to do or not enough to go by."""
        if self.goal is None or max(self.robot.silent(now), now - self.heard) > self.stale:
            return None
        times = now - self.period * np.arange(self.frames - 1, -1, -1)
        position = np.stack([track.at(times) for track in (self.robot, *self.people.values())])
        if np.linalg.norm(position[0, -1] - self.goal) < self.near:
            return None
        radius = [self.radius, *[self.person_radius] * len(self.people)]
        return Scene.from_arrays(position, self.period, ego=0, goal=self.goal, speed=self.speed, radius=radius)

    def _from_the_future(self, stamp: float) -> bool:
        """Whether a stamp is ahead of the clock by more than skew explains: it would pass for fresh for ever."""
        return not stamp <= self.now() + self.stale

    def _track(self) -> Track:
        return Track(self.memory + self.stale, self.stale, 0.25)
