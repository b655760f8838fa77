"""The planner in a Gymnasium loop: `python -m examples.gymnasium_loop`. Nothing needs to be trained first."""

import gymnasium
import numpy as np

import jepa_social
from jepa_social import Scene


def to_scene(seen: dict[str, np.ndarray], dt: float) -> Scene:
    """An observation of `jepa_social/Crowd-v0` as a scene; agent 0 is the ego."""
    return Scene.from_arrays(
        seen["position"],
        dt,
        velocity=seen["velocity"],
        present=seen["present"] > 0.5,
        radius=seen["radius"],
        ego=0,
        goal=seen["goal"],
        speed=float(seen["speed"][0]),
        walls=seen["walls"],
    )


def main(run: str = "pretrained", episodes: int = 3, people: int = 5) -> list[dict]:
    """Walk a few episodes and return the last `info` of each."""
    policy = jepa_social.load_policy(run)
    env = gymnasium.make("jepa_social.worlds.gym_env:jepa_social/Crowd-v0", people=people)
    dt, ends = env.unwrapped.world.dt, []  # pyright: ignore[reportAttributeAccessIssue]
    for seed in range(episodes):
        seen, info = env.reset(seed=seed)
        policy.reset()
        over, steps = False, 0
        while not over:
            velocity = policy.act(to_scene(seen, dt))[0].numpy()  # m/s
            seen, _, terminated, truncated, info = env.step(velocity)
            over, steps = terminated or truncated, steps + 1
        ending = "arrived" if info["arrived"] else "collided" if info["collided"] else "ran out of time"
        print(f"seed {seed}: {ending} after {steps * dt:.1f} s")
        ends.append(info)
    return ends


if __name__ == "__main__":
    main()
