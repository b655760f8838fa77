import pytest
import torch

from jepa_social.evaluation.mind.partners import ACT, SITUATION, as_interactions, partner_logs
from jepa_social.mind.acquaintance import Acquaintance
from jepa_social.mind.updating import adapt, nudge
from jepa_social.models.person import Interactions, PersonModel
from jepa_social.stages.person import fit_person
from jepa_social.worlds.menus import Partners, haggled


@pytest.fixture(scope="module")
def model() -> PersonModel:
    blank = PersonModel(SITUATION, ACT, width=16, depth=1, heads=2)
    return fit_person(blank, lambda i: partner_logs(40, 12, 2 * i), 120, 0, 5e-3)


def strangers(people: int = 40, seed: int = 9000) -> Interactions:
    """Partners unlike those of the logs: they like the first feature."""
    return as_interactions(*haggled(Partners(people, 12, seed, torch.tensor([3.0, 0, 0, 0, 0])), seed + 1))


def test_gradient_steps_help_with_people_of_another_kind(model):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    changed, kept = adapt(model, strangers(), steps=10, rate=3e-3)
    assert kept
    with torch.no_grad():
        later = strangers(200, 9500)
        assert changed.surprise(later).mean() < model.surprise(later).mean() - 0.01
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items()), (
        "the old one is as it was"
    )


def test_steps_that_hurt_are_undone(model):
    same, kept = adapt(model, strangers(), steps=3, rate=5.0)
    assert not kept
    assert same is model


def test_too_little_to_judge_by_is_refused(model):
    with pytest.raises(ValueError, match="too few to hold out"):
        adapt(model, strangers(1)[:, :2])


def test_a_single_person_can_be_adapted_to(model):
    changed, kept = adapt(model, strangers(1), rate=1e-4)
    assert kept == (changed is not model)


def test_latents_are_nudged_person_by_person(model):
    some = strangers()
    with torch.no_grad():
        latent = model.encode(some.situation, some.act, some.known)[:, 0]
    moved, better = nudge(model, latent, some[:, -6:])
    assert 0.2 < better.float().mean() < 1
    assert torch.equal(moved[~better], latent[~better]), "rolled back where it hurts"
    alone, _ = nudge(model, latent[:1], some[:1, -6:])
    assert torch.allclose(alone, moved[:1], atol=1e-5)
    wild, kept = nudge(model, latent, some[:, -6:], rate=1e4)
    assert torch.equal(wild[~kept], latent[~kept])
    assert kept.float().mean() < better.float().mean()
    some.known[:] = False
    assert not nudge(model, latent, some[:, -6:])[1].any(), "nothing seen, nothing changed"


def test_an_acquaintance_knows_what_one_encoding_of_the_log_gives(model):
    some = strangers(3)
    one = Acquaintance(model, 3)
    with torch.no_grad():
        whole = model.encode(some.situation, some.act, some.known)
    for t in range(4):
        assert torch.allclose(one.latent, whole[:, t], atol=1e-5)
        one.observe(some.situation[:, t], some.acts[:, t], some.choice[:, t])
    odds = one.log_prob(some.situation, some.acts)
    assert torch.allclose(odds.exp().sum(-1), torch.ones(3, 12), atol=1e-5)
