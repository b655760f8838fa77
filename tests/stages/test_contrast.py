"""Branches of one moment: found in a batch, kept together, and held against each other."""

import numpy as np
import torch
from torch import Tensor

from jepa_social.data.sampler import AgentBudgetSampler
from jepa_social.data.source import origin
from jepa_social.stages.contrast import contrast, find_siblings, shared_pasts
from jepa_social.worlds.branches import PLANS

NOW = 7


def test_branches_of_a_moment_stay_in_one_batch_and_all_windows_come_once(branches):
    sampler = AgentBudgetSampler(branches, branches.counts, 80, 10_000, shuffle=True, moments=branches.moments)
    seen, split = [], 0
    for batch in sampler:
        groups = branches.moments[batch]
        split += (np.bincount(groups) % len(PLANS) > 1).sum()
        seen += batch
    assert sorted(seen) == list(range(len(branches)))
    assert split <= 2 * len(sampler), "only a batch's ends may cut a moment"
    assert {5} == set(np.bincount(branches.moments)) - {0, 1}, "a branch for each plan"
    plain = AgentBudgetSampler(branches, branches.counts, 80, 10_000, shuffle=True)
    alone = AgentBudgetSampler(branches, branches.counts, 80, 10_000, shuffle=True, moments=np.arange(len(branches)))
    assert list(plain) == list(alone), "logs without branches are shuffled as ever"


def test_branches_stay_together_where_few_are_learned_from_and_come_again(branched, branches):
    sampler = branched.with_labels(0.5).train_dataloader().sampler
    window = np.array(sampler.dataset.indices)
    assert len(set(window)) < len(window) == len(branches)
    for moment in np.unique(sampler.moments):
        mine = window[sampler.moments == moment]
        assert len(set(mine)) == len(mine), "what comes again is no branch"
        assert len(set(branches.moments[mine])) == 1
    assert np.bincount(sampler.moments).max() == len(PLANS)
    parts = sum(len(set(sampler.moments[batch])) for batch in sampler)
    assert parts - len(set(sampler.moments)) < len(sampler), "only a batch's ends may cut a moment"


def test_siblings_are_found_with_their_ego(branches):
    group = np.flatnonzero(np.bincount(branches.moments) == len(PLANS))[:2]
    chosen = np.flatnonzero(np.isin(branches.moments, group))
    family = {origin(branches.origin(w)[0]) for w in chosen}
    names = [branches.origin(w)[0] for w in range(len(branches))]
    trunk = next(w for w, name in enumerate(names) if "#" not in name and name not in family)
    scene = branches.batch([*chosen, trunk])
    found = find_siblings(scene, NOW)
    pairs = {tuple(pair) for pair in found.pairs.tolist()}
    expected = {(a, b) for first in (0, 5) for b in range(first, first + 5) for a in range(first, b)}
    assert pairs == expected
    gone = ["absent" in branches.origin(w)[0] for w in chosen]
    assert found.ego.tolist()[:-1] == [-1 if absent else 0 for absent in gone]
    assert found.pairs.unique().tolist() == list(range(10))
    scene.position[3, 1, 2] += 0.01
    assert not any(3 in pair for pair in find_siblings(scene, NOW).pairs.tolist()), "another past, another moment"


def test_contrast_sees_only_what_differs_between_siblings(branches):
    group = np.flatnonzero(np.bincount(branches.moments) == len(PLANS))[0]
    scene = branches.batch(np.flatnonzero(branches.moments == group))
    found, truth = find_siblings(scene, NOW), scene.position[:, :, NOW + 1 :]
    mask = scene.present[:, :, NOW + 1 :]
    assert contrast(truth, truth, mask, found, scene.kind) == 0
    shift = torch.randn(1, *truth.shape[1:])
    torch.testing.assert_close(
        contrast(truth + shift, truth, mask, found, scene.kind), torch.zeros(()), rtol=0, atol=1e-8
    )
    blind = truth.mean(0, keepdim=True).expand_as(truth)
    assert contrast(blind, truth, mask, found, scene.kind) > 1e-4
    plan = truth.clone()
    plan[:, 0] += torch.randn_like(plan[:, 0])
    assert contrast(plan, truth, mask, found, scene.kind) == 0, "what the robot does is no reaction"
    nobody = find_siblings(scene[:1], NOW)
    assert contrast(truth[:1], truth[:1], mask[:1], nobody, scene.kind[:1]) == 0


def test_a_change_counts_by_how_fast_it_came_about(branches):
    group = np.flatnonzero(np.bincount(branches.moments) == len(PLANS))[0]
    scene = branches.batch(np.flatnonzero(branches.moments == group))
    found, truth = find_siblings(scene, NOW), torch.zeros_like(scene.position[:, :, NOW + 1 :])
    mask = torch.ones(truth.shape[:-1], dtype=torch.bool)

    def loss(step: int, change: float) -> Tensor:
        guess = truth.clone()
        guess[0, :, step - 1] += change
        return contrast(guess, truth, mask, found, scene.kind)

    torch.testing.assert_close(loss(1, 0.01), loss(6, 0.06))
    assert loss(6, 0.06) < loss(6, 0.12)


def test_branches_of_a_moment_share_its_past(branches):
    group = np.flatnonzero(np.bincount(branches.moments) == len(PLANS))[:2]
    chosen = np.flatnonzero(np.isin(branches.moments, group))
    scene = branches.batch(chosen)
    first, which = shared_pasts(scene, NOW)
    assert len(first) == 4, "two moments, each with the robot and without it"
    gone = torch.tensor(["absent" in branches.origin(w)[0] for w in chosen])
    assert (gone[first][which] == gone).all()
    past = scene.between(0, NOW + 1)
    assert torch.equal(past.position[first][which], past.position)
    assert torch.equal(past.present[first][which], past.present)
    scene.position[3, 1, 2] += 0.01
    assert len(shared_pasts(scene, NOW)[0]) == 5, "another past"
