"""Planners from `configs/planner/`: the model's and the baselines' differ in nothing but the dynamics."""

from functools import partial

from hydra.utils import instantiate
from omegaconf import DictConfig

from jepa_social.mind.regard import Regard
from jepa_social.mind.world_model import WorldModel
from jepa_social.planning.acquainted import Acquainted
from jepa_social.planning.cloned import Cloned
from jepa_social.planning.costs import SocialReward, Weighted
from jepa_social.planning.dynamics import ConstantVelocity, Imagination
from jepa_social.planning.finer import Finer
from jepa_social.planning.mpc import MPC
from jepa_social.planning.oracle import Branchable, Oracle, Simulated
from jepa_social.planning.policy import Policy
from jepa_social.planning.prior import Prior


def jepa_planner(world_model: WorldModel, config: DictConfig, name: str = "jepa", prior: Prior | None = None) -> MPC:
    """The planner that imagines with `world_model`, and asks the `prior` if `planner.prior` says so.

    Raises:
        ValueError: `planner.prior` is set and there is no prior.
    """
    dynamics = Imagination(world_model, config.reactive, config.ego_kind, config.react_every, config.react_until)
    if config.prior and prior is None:
        raise ValueError(
            "planner.prior=true, but this run has no prior: clone one (clone.epochs=5), or set it to false"
        )
    asked = prior if config.prior else None
    step = config.get("step")  # a run may be older than this setting
    told = dynamics if step is None else Finer(dynamics, step)
    return MPC(name, told, instantiate(config.cost), instantiate(config.solver), prior=asked, **config.mpc)


def acquainted(planner: MPC, regard: Regard | None = None, learns: bool = True) -> Policy:
    """The planner with a picture of people if its cost asks what they think of it, getting to know them on the way if
    it `learns`."""
    own = planner.cost.term("social_reward") if isinstance(planner.cost, Weighted) else None
    if not isinstance(own, SocialReward):
        return planner
    return Acquainted(planner, planner.dynamics, regard or Regard(), own, learns=learns, near=planner.seen)


def cloned_policy(world_model: WorldModel, prior: Prior, config: DictConfig) -> Cloned:
    """Behaviour cloning: the `prior` alone."""
    return Cloned(prior, Imagination(world_model, config.reactive, config.ego_kind), config.mpc.seen)


def constant_velocity_planner(config: DictConfig, dt: float, name: str = "constant-velocity MPC") -> MPC:
    """The same solver and costs with people extrapolated, at `planner.step` or else at the same `dt` (s): what a world
    model has to beat."""
    dynamics = ConstantVelocity(config.get("step") or dt)
    return MPC(name, dynamics, instantiate(config.cost), instantiate(config.solver), **config.mpc)


def constant_velocity_in(world: Branchable, config: DictConfig) -> MPC:
    """Constant-velocity MPC at the time step of `world`."""
    return constant_velocity_planner(config, world.dt)


def oracle_planner(world: Branchable, config: DictConfig, name: str = "oracle MPC", reactive: bool = True) -> Oracle:
    """The same solver and costs with the simulator as the model, in the `world` that it is to walk in; if not
    `reactive`, with the future that would come without the ego."""
    dynamics = Simulated(world, reactive)
    return Oracle(MPC(name, dynamics, instantiate(config.cost), instantiate(config.solver), **config.mpc))


def baseline(config: DictConfig, world: Branchable, planner: DictConfig) -> Policy:
    """A policy of `configs/baseline/`; one that is `_partial_` is told the world that it walks in, and the planner's
    settings."""
    made = instantiate(config)
    return made(world, planner) if isinstance(made, partial) else made
