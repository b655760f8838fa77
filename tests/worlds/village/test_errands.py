"""Errands: people keep their values, walk by them, and others' wishes count as much as they care."""

import torch

from jepa_social.worlds.village.errands import BETA, FRAMES, KINDS, MARKET, draw_values, from_normal, run_errands


def test_values_are_drawn_as_the_village_draws_them():
    values = draw_values(20000, 0)
    assert (values[:, :KINDS].std(0) - MARKET.spread).abs().max() < 0.1
    assert 0 <= values[:, KINDS].min() < 0.01 < MARKET.prosocial - 0.01 < values[:, KINDS].max() <= MARKET.prosocial
    assert (values[:, KINDS].mean() - MARKET.prosocial / 2).abs() < 0.02
    assert torch.equal(from_normal(torch.zeros(KINDS + 1))[:KINDS], torch.zeros(KINDS))


def test_who_wants_one_thing_gets_it_and_keeps_wanting_it():
    values = torch.zeros(3, KINDS + 1)
    values[torch.arange(3), torch.arange(3)] = 60.0
    errands = run_errands(values, 12, 0)
    assert errands.known.float().mean() > 0.9
    for person in range(3):
        assert (errands.choice[person][errands.known[person]] == person).all()
    ended = errands.path[:, :, -1] == errands.thing[:, :, 0]
    assert torch.equal(ended.all(-1)[0], errands.known[0])


def test_who_cares_for_the_companion_leaves_it_what_it_wants():
    values = torch.zeros(2, KINDS + 1)
    values[1, KINDS] = MARKET.prosocial
    errands = run_errands(values.repeat_interleave(20, 0), 6, 5)
    kept = errands.wanted.gather(-1, errands.choice.clamp(min=0)[..., None])[..., 0]
    selfish, kind = kept[:20][errands.known[:20]], kept[20:][errands.known[20:]]
    assert kind.mean() < selfish.mean() - 0.5
    assert errands.wanted.min() == 0.0


def test_an_errand_has_its_own_seed_whoever_else_runs_some():
    values = draw_values(3, 1)
    all_of_them, first = run_errands(values, 5, 7), run_errands(values[:1], 5, 7)
    assert torch.equal(all_of_them[:1, :].path, first.path)
    assert torch.equal(all_of_them[:1, 2:4].choice, first.choice[:, 2:4])
    moved = (first.path[:, :, 1:] - first.path[:, :, :-1]).abs().sum(-1)
    assert moved.max() == 1
    assert first.path.shape == (1, 5, FRAMES + 1, 2)
    assert BETA > 0
