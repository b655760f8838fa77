"""Pictures of things on offer: features in disguise, which no linear reading of pixels sees through."""

import pytest
import torch

from jepa_social.worlds.menu_pictures import paint_things
from jepa_social.worlds.menus import VALUES

SIDE = 24


def things(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, VALUES, generator=torch.Generator().manual_seed(seed))


def test_pictures_are_rgb_and_the_same_for_the_same_seed():
    some = things(5)
    pictures = paint_things(some, SIDE, 3)
    assert pictures.shape == (5, 3, SIDE, SIDE)
    assert pictures.dtype == torch.uint8
    assert torch.equal(pictures, paint_things(some, SIDE, 3))
    assert not torch.equal(pictures, paint_things(some, SIDE, 4))
    assert paint_things(some[:0], SIDE, 3).shape == (0, 3, SIDE, SIDE)


@pytest.mark.parametrize("feature", range(VALUES))
def test_each_feature_shows(feature: int):
    """Same nuisance, another feature: that picture changes, more the further apart, and no other does."""
    some = torch.zeros(200, VALUES)
    near, far = some.clone(), some.clone()
    near[:100, feature], far[:100, feature] = 0.5, 2.0
    plain, little, much = (paint_things(x, SIDE, 1).float() for x in (some, near, far))
    change = [(one - plain).abs().mean((1, 2, 3)) for one in (little, much)]
    assert (change[0][100:] == 0).all()
    assert (change[1][100:] == 0).all()
    assert (change[0][:100] > 0).all()
    assert (change[1][:100] > change[0][:100]).all()


def test_extreme_features_stay_within_the_picture():
    most = paint_things(torch.full((50, VALUES), 50.0), SIDE, 2)
    assert torch.equal(most, paint_things(torch.full((50, VALUES), 500.0), SIDE, 2)), "attributes are bounded"


def test_pixels_are_not_the_features_in_disguise():
    """The best linear reading of raw pixels, on pictures that it was not fitted on, leaves half of the variance."""
    features = things(4500)
    pixels = paint_things(features, SIDE, 5).flatten(1).float() / 255
    fit, test = slice(0, 3500), slice(3500, 4500)
    pixels = pixels - pixels[fit].mean(0)
    gram, cross = pixels[fit].T @ pixels[fit], pixels[fit].T @ features[fit]
    told = []
    for ridge in (30.0, 100.0, 300.0):
        error = features[test] - pixels[test] @ torch.linalg.solve(gram + ridge * torch.eye(len(gram)), cross)
        told.append(1 - error.square().mean(0) / features[test].var(0))
    best = torch.stack(told).amax(0)
    assert float(best.mean()) < 0.55
    assert float(best.max()) < 0.8


def test_what_cannot_be_painted_is_refused():
    with pytest.raises(ValueError, match="5 features, got 4"):
        paint_things(torch.zeros(2, 4), SIDE, 0)
    with pytest.raises(ValueError, match="seeds are >= 0"):
        paint_things(torch.zeros(2, VALUES), SIDE, -1)
