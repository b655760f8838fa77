"""Other people's simulators on the same starts (`pip install -e ".[bench]"`), each left out where it is not installed.

pyrvo, JuPedSim and PySocialForce hold one scene each, so several scenes are as many simulators, and a few of them tell
the cost of all. Preferred velocities that a user must renew from Python are renewed.
"""

import contextlib
import io
import logging
import math
from collections.abc import Callable

from benchmarks.crowds import Start

Case = Callable[[], object]


def pyrvo_cases(start: Start, steps: int) -> dict[str, Case]:
    """The RVO2 library by its Python binding, everybody heeding the 10 nearest within 10 m for 5 s."""
    import pyrvo

    crowds = [list(zip(p, g, strict=True)) for p, g in zip(start.position.tolist(), start.goal.tolist(), strict=True)]

    def run(renew: bool) -> None:
        for crowd in crowds:
            sim = pyrvo.RVOSimulator(0.25, 10.0, 10, 5.0, 5.0, 0.3, 1.0)  # pyright: ignore[reportAttributeAccessIssue]
            for place, goal in crowd:
                agent = sim.add_agent(tuple(place))
                sim.set_agent_pref_velocity(agent, _toward(*place, *goal))
            for _ in range(steps):
                if renew:
                    for agent, (_, goal) in enumerate(crowd):
                        at = sim.get_agent_position(agent)
                        sim.set_agent_pref_velocity(agent, _toward(at.x, at.y, *goal))
                sim.do_step()

    return {"pyrvo": lambda: run(True), "pyrvo, do_step alone": lambda: run(False)}


def jupedsim_cases(start: Start, steps: int) -> dict[str, Case]:
    """JuPedSim's social force model and its collision-free speed model, in an empty square, steps of 0.01 s."""
    import jupedsim  # pyright: ignore[reportMissingImports]

    half = float(start.position.abs().max()) + 5.0
    square = [(-half, -half), (half, -half), (half, half), (-half, half)]
    models = {
        "social force": (jupedsim.SocialForceModel, jupedsim.SocialForceModelAgentParameters),
        "collision-free speed": (jupedsim.CollisionFreeSpeedModel, jupedsim.CollisionFreeSpeedModelAgentParameters),
    }

    def simulation(model, traits, places, goals):
        sim = jupedsim.Simulation(model=model(), geometry=square, dt=0.01)
        stage = sim.add_direct_steering_stage()
        journey = sim.add_journey(jupedsim.JourneyDescription([stage]))
        for place, goal in zip(places, goals, strict=True):
            ident = sim.add_agent(traits(position=tuple(place), journey_id=journey, stage_id=stage, radius=0.3))
            sim.agent(ident).target = tuple(goal)
        return sim

    def run(sims) -> None:
        for sim in sims:
            sim.iterate(steps)

    def case(model, traits) -> Case:
        scenes = zip(start.position.tolist(), start.goal.tolist(), strict=True)
        sims = [simulation(model, traits, *scene) for scene in scenes]
        return lambda: run(sims)

    return {f"JuPedSim, {name}": case(*kind) for name, kind in models.items()}


def pysocialforce_cases(start: Start, steps: int) -> dict[str, Case]:
    """PySocialForce (Gao), desired, social and obstacle forces as it comes, nobody in a group."""
    with _hushed():
        import pysocialforce  # pyright: ignore[reportMissingImports]
    import numpy as np

    speed = 0.8 * (start.goal - start.position) / (start.goal - start.position).norm(dim=-1, keepdim=True)
    states = np.concatenate((start.position.numpy(), speed.numpy(), start.goal.numpy()), axis=-1)

    def run() -> None:
        with _hushed():
            for state in states:
                pysocialforce.Simulator(state.copy()).step(steps)

    return {"PySocialForce": run}


def vmas_cases(start: Start, steps: int) -> dict[str, Case]:
    """VMAS navigation, physics and observations, from random starts of its own; without lidar nobody collides."""
    import torch
    import vmas  # pyright: ignore[reportMissingImports]

    scenes, agents = start.position.shape[:2]
    side = max(1.0, 0.5 * math.sqrt(0.4 * agents))  # its agents are a third as wide: room for the same crowd

    def case(lidar: bool) -> Case:
        env = vmas.make_env(
            "navigation",
            num_envs=scenes,
            device="cpu",
            seed=0,
            n_agents=agents,
            collisions=lidar,
            world_spawning_x=side,
            world_spawning_y=side,
        )
        actions = [torch.zeros(scenes, 2) for _ in range(agents)]

        def run() -> None:
            for _ in range(steps):
                env.step(actions)

        return run

    return {"VMAS navigation, no lidar": case(False), "VMAS navigation, lidar": case(True)}


def _toward(x: float, y: float, goal_x: float, goal_y: float) -> tuple[float, float]:
    dx, dy = goal_x - x, goal_y - y
    scale = 1.0 / max(1.0, math.hypot(dx, dy))
    return dx * scale, dy * scale


@contextlib.contextmanager
def _hushed():
    """Without what the library logs to the console for every step."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)
