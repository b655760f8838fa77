"""How much people mind is found where reactions tell, and not moved by what was not seen."""

import pytest
import torch

from jepa_social.mind.regard import Regard


def drawn(mind: float, people: int = 400, seed: int = 0, noise: float = 0.2) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    expected = 0.2 * torch.randn(4, people, 2, generator=generator)
    reaction = mind * expected + noise * torch.randn(expected.shape, generator=generator)
    return expected, reaction, torch.ones(4, people, dtype=torch.bool)


@pytest.mark.parametrize("mind", [0.0, 1.0, 3.0])
def test_people_at_large_are_found(mind: float):
    regard = Regard()
    assert regard.people_at_large == 1.0, "what the logs' people were like"
    regard.begin(4, 400)
    regard.observe(*drawn(mind))
    assert regard.people_at_large == pytest.approx(mind, abs=0.15)
    regard.begin(2, 3)
    assert regard.estimate().shape == (2, 3)
    assert regard.estimate().mean() == pytest.approx(mind, abs=0.15), "others are expected to be like them"


def test_one_person_is_known_by_what_it_did():
    regard = Regard()
    regard.begin(1, 2)
    expected = torch.full((1, 2, 2), 0.1)
    for _ in range(200):
        regard.observe(expected, expected * torch.tensor([[[0.0], [2.0]]]), torch.ones(1, 2, dtype=torch.bool))
    estimate = regard.estimate()[0]
    assert estimate[0] < 0.2
    assert estimate[1] > 1.7


def test_who_is_not_known_says_nothing():
    expected, reaction, known = drawn(3.0)
    regard, blind = Regard(), Regard()
    for one in (regard, blind):
        one.begin(4, 400)
    known[:, 200:] = False
    regard.observe(expected, reaction, known)
    blind.observe(expected, reaction, torch.zeros_like(known))
    assert blind.people_at_large == 1.0
    lied = reaction.clone()
    lied[:, 200:] = 50.0
    other = Regard()
    other.begin(4, 400)
    other.observe(expected, lied, known)
    assert torch.equal(other.estimate(), regard.estimate())


def test_nobody_is_thought_to_seek_a_push():
    regard = Regard()
    regard.begin(4, 400)
    regard.observe(*drawn(-2.0))
    assert (regard.estimate() >= 0).all()


def test_order_of_cohorts_changes_nothing():
    parts = [drawn(2.0, 5, seed) for seed in (1, 2)]
    found = []
    for order in (parts, parts[::-1]):
        regard = Regard()
        for part in order:
            regard.begin(4, 5)
            regard.observe(*part)
        found.append(regard.people_at_large)
    assert found[0] == pytest.approx(found[1])
