"""Laws of a model that looks at what people choose from: what must hold for any weights."""

from copy import deepcopy
from dataclasses import asdict, replace

import pytest
import torch

from jepa_social.evaluation.mind.values import value_sights
from jepa_social.mind.acquaintance import Acquaintance
from jepa_social.models.onlooker import Onlooker, Sights
from jepa_social.models.person import PersonModel
from jepa_social.models.pixels import Pixels
from jepa_social.stages.person import descend, fit_person

PIXELS = Pixels(width=16, depth=1, heads=2)


@pytest.fixture
def model() -> Onlooker:
    torch.manual_seed(2)
    one = Onlooker(1, asdict(PIXELS), look=8, width=16, depth=1, heads=2)
    with torch.no_grad():
        one.see(sights())  # scales, as training would leave them
    return one.eval()


def sights(step: int = 0) -> Sights:
    return value_sights(8, 50 + step, 12, PIXELS.side)


def latents(model: Onlooker, seen: Sights) -> torch.Tensor:
    with torch.no_grad():
        logs = model.see(seen)
        return model.encode(logs.situation, logs.act, logs.known)


def close(one: torch.Tensor, other: torch.Tensor) -> None:
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_shapes(model):
    seen = model.see(sights())
    assert seen.acts.shape == (8, 21, 4, 8)
    assert (seen.situation.shape[-1], seen.acts.shape[-1]) == model.inputs
    assert model.surprise(seen).shape == model.resemblance(sights()).shape == (8, 21)


def test_the_order_on_the_menu_is_no_matter(model):
    seen = sights()
    order = torch.tensor([2, 0, 3, 1])
    turned = replace(seen, offered=seen.offered[..., order], choice=order.argsort()[seen.choice])
    close(latents(model, turned), latents(model, seen))
    close(model.resemblance(turned), model.resemblance(seen))
    with torch.no_grad():
        odds = [
            model.log_prob(latents(model, seen)[:, :-1], x.situation, x.acts) for x in map(model.see, (seen, turned))
        ]
    close(odds[1], odds[0][..., order])


def test_the_order_and_number_of_pictures_is_no_matter(model):
    seen = sights()
    turned = replace(seen, pictures=seen.pictures.flip(0), offered=len(seen.pictures) - 1 - seen.offered)
    close(latents(model, turned), latents(model, seen))
    every = replace(
        seen, pictures=seen.pictures[seen.offered].flatten(0, 2), offered=torch.arange(8 * 21 * 4).view(8, 21, 4)
    )
    close(latents(model, every), latents(model, seen))


def test_people_do_not_mix(model):
    seen = sights()
    alone = Sights(seen.situation[2:3], seen.pictures, seen.offered[2:3], seen.choice[2:3], seen.known[2:3])
    close(latents(model, alone), latents(model, seen)[2:3])


def test_a_choice_is_not_likened_to_itself(model):
    """What somebody took in an interaction is no evidence for it: with one interaction there is none at all."""
    seen = sights()
    one = replace(seen, **{k: getattr(seen, k)[:, :1] for k in ("situation", "offered", "choice", "known")})
    close(model.resemblance(one), torch.full((8, 1), 4.0).log())


def test_eyes_learn_from_choices_alone(model):
    before = deepcopy(model.vit.state_dict())
    start = float(torch.stack([model.resemblance(sights(100 + i)).mean() for i in range(4)]).mean())
    descend(model, lambda i: model.resemblance(value_sights(48, i, 24, PIXELS.side)).mean(), 60, 5e-3, "to see")
    end = float(torch.stack([model.resemblance(sights(100 + i)).mean() for i in range(4)]).mean())
    assert end < start
    assert all(not torch.equal(value, before[name]) for name, value in model.vit.state_dict().items())


def test_frozen_eyes_stay_as_they_are(model):
    model.vit.requires_grad_(False)
    before = deepcopy(model.state_dict())
    fit_person(model, lambda step: model.see(sights(step)), 4, seed=0)
    after = model.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before if name.startswith("vit."))
    for name in ("token.0.weight", "company.fc1.weight", "prior", "scale.running_mean"):
        assert not torch.equal(after[name], before[name]), name


def test_an_acquaintance_reads_what_is_seen(model):
    logs = model.see(sights())
    met = Acquaintance(model, 8)
    met.read(logs[:, :4])
    met.observe(logs.situation[:, 4], logs.acts[:, 4], logs.choice[:, 4])
    close(met.latent, latents(model, sights())[:, 5])


def test_it_is_saved_and_loaded(model, tmp_path):
    model.save(tmp_path / "one.safetensors", {"steps": 3})
    again = Onlooker.load(tmp_path / "one.safetensors")
    assert PersonModel.about(tmp_path / "one.safetensors") == {"steps": 3}
    assert torch.equal(latents(again, sights()), latents(model, sights()))
