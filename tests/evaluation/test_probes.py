"""Probes on features whose content is known: what is linear is read linearly, what is not is left to attention."""

import pytest
import torch

from jepa_social.evaluation.probe_scores import auc_score, r2_score
from jepa_social.evaluation.probes import Samples, attentive_probe, linear_probe, paired

UNITS = ("r2", "auc")


def draw(target: str, count: int, seed: int) -> Samples:
    """Samples of 6 tokens of width 8; `target` says how the answer is hidden in them."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randn(count, 1, 6, 8, generator=generator)
    last = tokens[:, 0, 0]
    answer = {
        "linear": last[:, :2] @ torch.tensor([[1.0, -2.0], [0.5, 1.0]]) + 3.0,
        "curved": last[:, :1].abs() * 2.0 - last[:, 1:2].square(),
        "earlier": tokens[:, 0, 3, :1],
        "noise": torch.randn(count, 1, generator=generator),
        "class": (last[:, :1] > 0.2).float(),
        "curved class": (last[:, :1].abs() > 0.7).float(),
    }[target]
    return Samples(tokens, torch.ones(count, 1, 6, dtype=torch.bool), answer, torch.arange(count) // 5)


def scores(target: str, steps: int = 300) -> tuple[float, float]:
    """Linear and attentive score on fresh samples."""
    unit = "auc" if "class" in target else "r2"
    fit, select, test = (draw(target, count, seed) for seed, count in enumerate((1500, 300, 500)))
    found = []
    for guess in (linear_probe(fit, select, test, unit), attentive_probe(fit, select, test, unit, steps, 0)):
        guess, truth, window = guess.numpy(), test.target.numpy(), test.window.numpy()
        score = r2_score(guess, truth, window) if unit == "r2" else auc_score(guess[:, 0], truth[:, 0], window)
        found.append(score.value)
    return found[0], found[1]


@pytest.mark.parametrize("target", ["linear", "class"])
def test_what_is_linear_is_read_by_both(target):
    linear, attentive = scores(target)
    assert linear > 0.999
    assert attentive > 0.97


@pytest.mark.parametrize(
    ("target", "chance", "least"), [("curved", 0.1, 0.9), ("earlier", 0.1, 0.8), ("curved class", 0.6, 0.95)]
)
def test_what_is_not_linear_or_not_in_the_last_frame_is_read_by_attention_only(target, chance, least):
    linear, attentive = scores(target)
    assert linear < chance
    assert attentive > least


def test_what_is_not_there_is_not_found():
    linear, attentive = scores("noise")
    assert -0.05 < linear < 0.05
    assert -0.2 < attentive < 0.05


@pytest.mark.parametrize("unit", UNITS)
def test_pairs_have_no_order(unit):
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(400, 2, 3, 6, generator=generator)
    known = torch.rand(400, 2, 3, generator=generator) > 0.3
    known[..., 0] = True
    target = (tokens[:, 0, 0, :1] - tokens[:, 1, 0, :1]).abs()
    target = (target > 1).float() if unit == "auc" else target
    one = Samples(tokens, known, target, torch.arange(400))
    other = Samples(tokens.flip(1), known.flip(1), target, torch.arange(400))
    torch.testing.assert_close(paired(tokens[:, :, 0]), paired(tokens[:, :, 0].flip(1)))
    torch.testing.assert_close(linear_probe(one, one, one, unit), linear_probe(one, one, other, unit))
    torch.testing.assert_close(
        attentive_probe(one, one, one, unit, 20, 0), attentive_probe(one, one, other, unit, 20, 0)
    )


@pytest.mark.parametrize("unit", UNITS)
def test_unknown_tokens_and_the_company_of_samples_change_nothing(unit):
    target = "class" if unit == "auc" else "linear"
    fit, select, test = draw(target, 300, 0), draw(target, 80, 1), draw(target, 80, 2)
    for part in (fit, select, test):
        part.known[:, :, 4:] = False
    usual = attentive_probe(fit, select, test, unit, 30, 0)
    for part in (fit, select, test):
        part.tokens[:, :, 4:] = 1e3
    torch.testing.assert_close(attentive_probe(fit, select, test, unit, 30, 0), usual)
    few = test.where(torch.arange(10))
    for probe in (linear_probe, lambda *parts: attentive_probe(*parts, 30, 0)):
        torch.testing.assert_close(probe(fit, select, few, unit), probe(fit, select, test, unit)[:10])


def test_an_attentive_probe_is_its_seeds_and_leaves_the_worlds_chance_alone():
    fit, select, test = draw("linear", 300, 0), draw("linear", 80, 1), draw("linear", 80, 2)
    torch.manual_seed(5)
    first = attentive_probe(fit, select, test, "r2", 20, 0)
    after = torch.rand(1)
    torch.manual_seed(5)
    assert torch.rand(1) == after
    torch.testing.assert_close(attentive_probe(fit, select, test, "r2", 20, 0), first, rtol=0, atol=0)
    assert not torch.allclose(attentive_probe(fit, select, test, "r2", 20, 1), first)


def test_strength_is_chosen_where_it_was_not_fitted():
    """Thirty rows of forty features fit anything: only strong shrinkage survives the selection rows."""
    torch.manual_seed(0)

    def noisy(count: int) -> Samples:
        tokens = torch.randn(count, 1, 1, 40)
        target = 0.3 * tokens[:, 0, 0, :1] + torch.randn(count, 1)
        return Samples(tokens, torch.ones(count, 1, 1, dtype=torch.bool), target, torch.arange(count))

    fit, select, test = noisy(30), noisy(400), noisy(400)

    def error(guess: torch.Tensor) -> float:
        return float((guess - test.target).square().mean())

    assert error(linear_probe(fit, select, test, "r2")) < 0.7 * error(linear_probe(fit, fit, test, "r2"))
