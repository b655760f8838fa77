"""Planners from `configs/planner/`: the model's and the baseline's differ in nothing but the dynamics."""

from hydra.utils import instantiate
from omegaconf import DictConfig

from jepa_social.mind.world_model import WorldModel
from jepa_social.planning.dynamics import ConstantVelocity, Imagination
from jepa_social.planning.mpc import MPC


def jepa_planner(world_model: WorldModel, config: DictConfig, name: str = "jepa") -> MPC:
    """The planner that imagines with `world_model`."""
    dynamics = Imagination(world_model, config.reactive, config.ego_kind)
    return MPC(name, dynamics, instantiate(config.cost), instantiate(config.solver), **config.mpc)


def constant_velocity_planner(config: DictConfig, dt: float, name: str = "constant-velocity MPC") -> MPC:
    """The same solver and costs with people extrapolated at the same `dt` (s): what a world model has to beat."""
    return MPC(name, ConstantVelocity(dt), instantiate(config.cost), instantiate(config.solver), **config.mpc)
