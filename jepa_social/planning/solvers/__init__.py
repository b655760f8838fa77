"""Solvers: minimise a batched black box. They know nothing of what it means."""

from jepa_social.planning.solvers.cem import CEM
from jepa_social.planning.solvers.gradient import Gradient
from jepa_social.planning.solvers.icem import ICEM
from jepa_social.planning.solvers.mppi import MPPI
from jepa_social.planning.solvers.random_shooting import RandomShooting
from jepa_social.planning.solvers.solver import Objective, Solver

__all__ = ["CEM", "ICEM", "MPPI", "Gradient", "Objective", "RandomShooting", "Solver"]
