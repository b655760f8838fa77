"""A stranger in a café, and what they value: `python -m examples.value_inference`.

A model of people learns from logs of others' choices (no values in them), then watches somebody new choose. Its latent
is read by a linear readout that was fitted on other people: what this person values, and how sure that is.
"""

import torch

from jepa_social.evaluation.mind.values import ACT, SITUATION, ValueReadout, interactions, latents_of, value_logs
from jepa_social.models.person import PersonModel
from jepa_social.stages.person import fit_person
from jepa_social.worlds.menus import choose

FEATURES = ("sweet", "hot", "large", "cheap", "new")
CAREFUL = 4.0


def main(steps: int = 600, seed: int = 11) -> dict[int, tuple[list[float], float]]:
    """Choices seen -> (inferred values, probability given to the choice that came next)."""
    blank = PersonModel(SITUATION, ACT, width=32, depth=1, heads=2)
    model = fit_person(blank, lambda step: value_logs(48, step), steps, seed=0, rate=4e-3)
    others, stranger = choose(800, 21, CAREFUL, seed=1000), choose(1, 21, CAREFUL, seed)
    logs = interactions(stranger, True)
    known, latent = latents_of(model, interactions(others, True)), latents_of(model, logs)
    truth = ", ".join(f"{name} {value:+.1f}" for name, value in zip(FEATURES, stranger.values[0].tolist(), strict=True))
    print(f"in truth: {truth}")
    found: dict[int, tuple[list[float], float]] = {}
    for n in (0, 1, 5, 20):
        readout = ValueReadout(known[:, n], others.values)
        mean, deviation = readout(latent[:, n])[0], readout.covariance.diagonal().sqrt()
        with torch.no_grad():
            odds = model.log_prob(latent[:, n], logs.situation[:, n], logs.acts[:, n])[0].exp()
        chance = float(odds[stranger.choice[0, n]])
        told = ", ".join(
            f"{name} {m:+.1f} ± {d:.1f}" for name, m, d in zip(FEATURES, mean.tolist(), deviation.tolist(), strict=True)
        )
        print(f"after {n:2} choices: {told}; what they chose next had {100 * chance:.0f} %")
        found[n] = (mean.tolist(), chance)
    return found


if __name__ == "__main__":
    main()
