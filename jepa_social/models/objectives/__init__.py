"""Objectives: how a prediction is held against its target, and what keeps the latents from collapsing."""

from jepa_social.models.objectives.base import Moves, Objective, Terms
from jepa_social.models.objectives.ema import Ema
from jepa_social.models.objectives.gathered import masked_mean
from jepa_social.models.objectives.reconstruction import Reconstruction
from jepa_social.models.objectives.sigreg import SigReg
from jepa_social.models.objectives.vicreg import VicReg

__all__ = ["Ema", "Moves", "Objective", "Reconstruction", "SigReg", "Terms", "VicReg", "masked_mean"]
