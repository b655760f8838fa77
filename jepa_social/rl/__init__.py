"""Reinforcement learning in our worlds, as a baseline (needs `pip install jepa-social[rl]`)."""
