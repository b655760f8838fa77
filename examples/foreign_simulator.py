"""The planner in somebody else's simulator, through `Scene.from_arrays`: `python -m examples.foreign_simulator`.

`Plaza` stands for your own: it runs at its own rate, knows people by name, and they come and go.
"""

from collections import deque

import numpy as np

import jepa_social
from jepa_social import Scene


class Plaza:
    """People who cross a square, entering and leaving at its edges; they give way to one another a little."""

    def __init__(self, seed: int = 0, dt: float = 0.1, rate: float = 1.6, half: float = 6.0):
        self.chance, self.dt, self.rate, self.half = np.random.default_rng(seed), dt, rate, half
        self.people: dict[str, np.ndarray] = {}  # name -> x, y, goal x, goal y
        self.born = 0

    def step(self) -> None:
        """Move everybody by `dt` s at up to 1.2 m/s."""
        if self.chance.random() < self.rate * self.dt:
            side, turn = self.chance.uniform(-0.7, 0.7, 2) * self.half, self.chance.integers(4) * np.pi / 2
            way = np.array([[-self.half, side[0]], [self.half, side[1]]])
            way = way @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
            self.people[f"walker {self.born}"] = way.ravel()
            self.born += 1
        now = {name: person.copy() for name, person in self.people.items()}
        for name, person in now.items():
            to = person[2:] - person[:2]
            push = np.zeros(2)
            for other in (p for n, p in now.items() if n != name):
                away = person[:2] - other[:2]
                gap = np.linalg.norm(away)
                push += away / max(gap, 1e-6) * np.exp((0.6 - gap) / 0.3)
            velocity = 1.2 * to / max(np.linalg.norm(to), 1e-6) + push
            velocity *= min(1.0, 1.2 / max(np.linalg.norm(velocity), 1e-6))
            self.people[name][:2] = person[:2] + self.dt * velocity
            if np.linalg.norm(to) < 0.5:
                del self.people[name]


def history(frames: "deque[dict[str, np.ndarray]]") -> np.ndarray:
    """Positions `[agents, frames, 2]` m of the robot and of everybody who is there now; NaN where one was not."""
    names = ["robot", *(name for name in frames[-1] if name != "robot")]
    missing = np.full(2, np.nan)
    return np.array([[frame.get(name, missing) for frame in frames] for name in names])


def main(run: str = "pretrained", seed: int = 0, seconds: float = 40.0) -> tuple[bool, float]:
    """Cross the plaza; whether the robot arrived, and its least distance to anybody (m, centre to centre)."""
    policy, plaza = jepa_social.load_policy(run), Plaza(seed)
    for _ in range(150):
        plaza.step()
    robot, goal = np.array([-5.0, -5.0]), np.array([5.0, 5.0])
    frames: deque[dict[str, np.ndarray]] = deque(maxlen=20)  # 2 s, as much as the model was trained to look back
    policy.reset()
    nearest, time = np.inf, 0.0
    while np.linalg.norm(robot - goal) > 0.3 and time < seconds:
        frames.append({"robot": robot, **{name: person[:2].copy() for name, person in plaza.people.items()}})
        scene = Scene.from_arrays(history(frames), plaza.dt, ego=0, goal=goal, speed=1.2, radius=0.3)
        velocity = policy.act(scene)[0].numpy()  # m/s
        robot, time = robot + plaza.dt * velocity, time + plaza.dt
        plaza.step()
        nearest = min([nearest, *(float(np.linalg.norm(p[:2] - robot)) for p in plaza.people.values())])
    arrived = bool(np.linalg.norm(robot - goal) <= 0.3)
    print(f"{'arrived' if arrived else 'gave up'} after {time:.1f} s, never nearer than {nearest:.2f} m to anybody")
    return arrived, nearest


if __name__ == "__main__":
    main()
