"""Several planners in one crowd, all deciding at once: `python -m examples.several_egos`.

Every ego is a scene of one batch, so ten of them cost little more than one. None knows another's plan: each imagines
the others as people who react.
"""

import torch

import jepa_social
from jepa_social.worlds.parallel_env import ParallelCrowd


def main(run: str = "pretrained", people: int = 5, egos: int = 3, seed: int = 0) -> dict[str, dict]:
    """One episode; the last `info` of every ego."""
    policy = jepa_social.load_policy(run)
    env = ParallelCrowd(people=people, egos=egos)
    env.reset(seed=seed)
    policy.reset()
    ends: dict[str, dict] = {}
    while env.agents:
        acting = list(env.agents)
        velocity = policy.act(env.scenes()).numpy()  # [egos, 2] m/s
        _, _, terminated, truncated, infos = env.step(dict(zip(acting, velocity, strict=True)))
        ends |= {agent: infos[agent] for agent in acting if terminated[agent] or truncated[agent]}
        policy.keep(torch.tensor([agent in env.agents for agent in acting]))  # the others' plans go on
    for agent, info in sorted(ends.items()):
        print(f"{agent}: {'arrived' if info['arrived'] else 'collided' if info['collided'] else 'ran out of time'}")
    return ends


if __name__ == "__main__":
    main()
