"""People who put up with more or less: the generative model is what its docstring says."""

import pytest
import torch

from jepa_social.worlds.tolerance import (
    BEHAVIOURS,
    LIKENESS,
    NOW,
    PAST,
    REACHES,
    SITUATIONS,
    SPREAD,
    behave,
    judged,
    occasions,
    shown,
    tolerances,
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_same_seed_gives_the_same_dealings():
    def once(seed: int):
        generator = seeded(seed)
        return behave(tolerances(20, PAST, generator), *occasions(20, 9, generator), generator)

    one, again, other = once(3), once(3), once(4)
    for name in ("situation", "intensity", "behaviour", "evaluation"):
        assert torch.equal(getattr(one, name), getattr(again, name))
    assert not torch.equal(one.behaviour, other.behaviour)


def test_what_is_put_up_with_in_one_situation_tells_of_the_others():
    found = tolerances(40000, NOW, seeded())
    assert found.mean(0).tolist() == pytest.approx(NOW, abs=0.01)
    assert found.std(0).tolist() == pytest.approx([SPREAD] * 4, abs=0.01)
    between = torch.corrcoef(found.T)[~torch.eye(4, dtype=torch.bool)]
    assert (between - LIKENESS**2).abs().max() < 0.02


def test_refraining_matters_only_where_help_was_asked_for():
    tolerance = torch.linspace(-1, 2, 50)
    for situation, name in enumerate(SITUATIONS):
        index = torch.full((50,), situation)
        refrained = judged(tolerance, index, torch.zeros_like(index))
        assert (refrained == (-0.5 if name == "helped" else 0.0)).all()


def test_the_more_is_put_up_with_the_better_it_is_taken():
    tolerance = torch.linspace(-1, 2, 50)
    for situation in range(len(SITUATIONS)):
        index = torch.full((50,), situation)
        by_reach = torch.stack([judged(tolerance, index, torch.full_like(index, k)) for k in range(REACHES)])
        assert (by_reach.diff(dim=1) >= 0).all()
        assert by_reach[-1, 0] == -1 if situation < 2 else by_reach[-1, 0] < 0, "all the way, and none is put up with"
        assert by_reach[-1, -1] >= 0, "all the way, and anything is"
        assert by_reach.abs().max() <= 1


def test_behaviours_go_with_evaluations():
    chance = shown(torch.linspace(-1, 1, 201))
    assert torch.allclose(chance.sum(-1), torch.ones(201))
    assert chance.min() > 0.019, "people have other cares"
    top = [BEHAVIOURS[i] for i in chance.argmax(-1).unique_consecutive()]
    assert top[0] == "retaliates"
    assert top[-2:] == ["nothing", "reciprocates"]
    assert (chance[:, BEHAVIOURS.index("retaliates")].diff() <= 1e-7).all()
    assert (chance[:, BEHAVIOURS.index("reciprocates")].diff() >= -1e-7).all()


def test_behaviours_are_shown_as_often_as_they_should_be():
    tolerance = torch.full((30000, 4), 0.3)
    situation = torch.zeros(30000, 1, dtype=torch.long)
    met = behave(tolerance, situation, situation + 2, seeded())
    share = torch.bincount(met.behaviour[:, 0], minlength=5) / 30000
    assert share.tolist() == pytest.approx(shown(met.evaluation[0, 0]).tolist(), abs=0.01)
