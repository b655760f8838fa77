"""Costs: small composable objects, each `cost(imagined) -> [B,S]`, summed by weight."""

from jepa_social.planning.costs.asymmetric_space import AsymmetricSpace
from jepa_social.planning.costs.base import Cost, Weighted
from jepa_social.planning.costs.clearance import Clearance
from jepa_social.planning.costs.collision import CollisionProbability
from jepa_social.planning.costs.comfort import Comfort
from jepa_social.planning.costs.group_splitting import GroupSplitting
from jepa_social.planning.costs.human_anchor import HumanAnchor
from jepa_social.planning.costs.imposition import Imposition
from jepa_social.planning.costs.legibility import Legibility
from jepa_social.planning.costs.personal_space import PersonalSpace
from jepa_social.planning.costs.progress import Progress
from jepa_social.planning.costs.risk import Risk
from jepa_social.planning.costs.social_reward import SocialReward
from jepa_social.planning.costs.time_to_collision import TimeToCollision

__all__ = [
    "AsymmetricSpace",
    "Clearance",
    "CollisionProbability",
    "Comfort",
    "Cost",
    "GroupSplitting",
    "HumanAnchor",
    "Imposition",
    "Legibility",
    "PersonalSpace",
    "Progress",
    "Risk",
    "SocialReward",
    "TimeToCollision",
    "Weighted",
]
