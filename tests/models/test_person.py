from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from jepa_social.evaluation.mind.values import ACT, SITUATION, value_logs
from jepa_social.models.person import Interactions, PersonModel
from jepa_social.models.spectra import effective_rank
from jepa_social.stages import person
from jepa_social.stages.person import fit_person, known_person


def logs(step: int = 0, people: int = 16) -> Interactions:
    return value_logs(people, 100 + step)


@pytest.fixture(scope="module")
def model() -> PersonModel:
    return fit_person(PersonModel(SITUATION, ACT, width=16, depth=1, heads=2), lambda i: logs(i, 48), 250, 0, 5e-3)


def latents(model: PersonModel, some: Interactions) -> torch.Tensor:
    with torch.no_grad():
        return model.encode(some.situation, some.act, some.known)


def test_a_latent_knows_only_what_came_before(model):
    some, other = logs(), logs()
    other.situation[:, 5:], other.acts[:, 5:] = 3.0, -1.0
    assert torch.allclose(latents(model, some)[:, :6], latents(model, other)[:, :6], atol=1e-6)
    assert not torch.allclose(latents(model, some)[:, 6:], latents(model, other)[:, 6:], atol=1e-3)
    assert torch.allclose(latents(model, some)[:, 0], latents(model, some)[:1, 0].expand(16, -1), atol=1e-6)


def test_what_is_not_known_says_nothing(model):
    some, other = logs(), logs()
    for one in (some, other):
        one.known[:, 3:7] = False
    other.situation[:, 3:7], other.acts[:, 3:7] = 9.0, 9.0
    assert torch.allclose(latents(model, some), latents(model, other), atol=1e-6)
    told = model.surprise(some)
    assert told[:, 3:7].isnan().all()
    assert told[:, 7:].isfinite().all()


def test_what_left_the_window_is_forgotten(model):
    short = PersonModel(SITUATION, ACT, width=16, depth=1, heads=2, window=4)
    short.load_state_dict(model.state_dict())
    some, other = logs(), logs()
    other.situation[:, :8], other.acts[:, :8] = 2.0, 1.0
    assert torch.allclose(latents(short, some)[:, -1], latents(short, other)[:, -1], atol=1e-6)
    assert not torch.allclose(latents(model, some)[:, -1], latents(model, other)[:, -1], atol=1e-4)


def test_people_and_the_order_of_acts_do_not_mix(model):
    some = logs()
    alone = torch.cat([latents(model, some[i : i + 1]) for i in range(16)])
    assert torch.allclose(latents(model, some), alone, atol=1e-5)
    odds = model.log_prob(alone[:, 3], some.situation[:, 3], some.acts[:, 3])
    flipped = model.log_prob(alone[:, 3], some.situation[:, 3], some.acts[:, 3].flip(1))
    assert torch.allclose(odds, flipped.flip(1), atol=1e-5)
    assert torch.allclose(odds.exp().sum(-1), torch.ones(16), atol=1e-5)


def test_it_learns_and_does_not_collapse(model):
    some = logs(7777, 400)
    with torch.no_grad():
        told = model.surprise(some).mean(0)
        embedded = model.embed(some.situation[:, 0], some.acts[:, 0]).flatten(0, 1)
    assert float(told[0]) < 1.40, "at first it can know little more than chance, 1.386"
    assert float(told[15:].mean()) < float(told[:2].mean()) - 0.1, "it gets to know people"
    assert effective_rank(embedded) > 3
    assert effective_rank(latents(model, some)[:, -1]) > 3


def test_the_same_seed_gives_the_same_weights():
    one, two = (
        fit_person(PersonModel(SITUATION, ACT, 8, 1, 1), logs, 4, seed=3).state_dict()["prior"] for _ in range(2)
    )
    assert torch.equal(one, two)
    other = fit_person(PersonModel(SITUATION, ACT, 8, 1, 1), logs, 4, seed=4).state_dict()["prior"]
    assert not torch.equal(one, other)


def test_a_loss_that_is_no_number_is_refused():
    def broken(step: int) -> Interactions:
        some = logs(step)
        some.situation[0, 0] = torch.nan
        return some

    with pytest.raises(FloatingPointError, match="at step 0"):
        fit_person(PersonModel(SITUATION, ACT, 8, 1, 1), broken, 4, seed=0)


def test_what_was_trained_once_is_found_again(model, tmp_path: Path, monkeypatch):
    path, calls = tmp_path / "mind" / "one.safetensors", []

    def fit() -> PersonModel:
        calls.append(1)
        return model

    for settings in ({"steps": 3}, {"steps": 3}, {"steps": 4}):
        found = known_person(path, settings, fit, PersonModel)
        assert torch.equal(latents(found, logs()), latents(model, logs()))
    assert len(calls) == 2, "trained anew only where settings changed"
    assert [file.name for file in path.parent.iterdir()] == ["one.safetensors"]
    monkeypatch.setattr(person, "VERSION", person.VERSION + 1)
    for _ in range(2):
        known_person(path, {"steps": 4}, fit, PersonModel)
    assert len(calls) == 3, "or where the code says that it trains otherwise now"
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="delete it"):
        PersonModel.load(path)
