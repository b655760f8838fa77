"""Egos whose logs others read."""

import torch

from jepa_social.evaluation.runner import run_episodes
from jepa_social.planning.habits import Patient
from jepa_social.worlds.clearance import centre_distance
from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.people import Population
from jepa_social.worlds.scenarios import HeadOn


def test_who_is_patient_stands_until_all_have_passed_and_arrives():
    world = Crowd(HeadOn(), 2, Population(speed_std=0.0), visible=True, limit=30.0)
    done = run_episodes(world, Patient(), range(2_000_000, 2_000_008), 8)
    there = done.scene.position[torch.arange(8), 0, done.stop]
    assert done.scene.truth is not None
    passes = (done.scene.truth["goal"][:, 1:, 0] < -5.6).all(1)
    assert passes.any()
    assert ((there - done.goal).norm(dim=-1) < 0.3)[passes].all(), "all others stand behind it in the end"
    went = (done.scene.velocity[:, 0, 1:].norm(dim=-1) > 0.1).int().argmax(-1)
    for episode in passes.nonzero()[:, 0].tolist():
        frame = int(went[episode])
        people = done.scene.position[episode, 1:, frame, 0]
        assert frame > 0
        assert (people < done.scene.position[episode, 0, frame, 0] + 1e-3).all()
    assert float(centre_distance(done.scene).nan_to_num(torch.inf).amin()) > 0.5
