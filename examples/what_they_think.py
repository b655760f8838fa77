"""What do they think of me? `python -m examples.what_they_think`.

An ego learns from its past how people react when it slips. Those people noticed nearly every second slip; the ones
that it meets now notice half as many, and nobody says what they think. Its internal reward, what it believes that they
think, starts too harsh and is put right by faces alone, while an ego that ignores them goes on being embarrassed.
"""

import torch

from jepa_social.evaluation.mind.conduct import as_interactions, audience_logs
from jepa_social.evaluation.mind.judgement import live_through, meet_audiences
from jepa_social.mind.social_reward import BelievedReward, fit_worth
from jepa_social.models.person import PersonModel
from jepa_social.stages.person import fit_person
from jepa_social.worlds.audience import FALL, NOTICED_NOW


def main(steps: int = 150, count: int = 40, interactions: int = 120, seed: int = 7) -> dict[str, torch.Tensor]:
    """The evaluation expected of a slip in public, `[interactions]`, mean over `count` audiences."""
    model = fit_person(
        PersonModel(2, 2, width=32, depth=2, heads=4),
        lambda step: as_interactions(audience_logs(32, interactions, step)),
        steps,
        seed=0,
        rate=4e-3,
    )
    asked = audience_logs(200, interactions, 900_000)  # these people said afterwards what they had thought
    worth = fit_worth(model, as_interactions(asked), asked.evaluation)
    print(f"A calm face is worth {worth[0]:+.2f}, a frown {worth[1]:+.2f}.")
    print(f"Of a slip in public people now think {-FALL * NOTICED_NOW:.3f} on average. The ego believes:")
    met, curves = meet_audiences(count, seed, interactions), {}
    for name, learns in (("who watches faces", True), ("who does not", False)):
        curves[name] = live_through(BelievedReward(model, worth, count, learns), met)[1].mean(0)
        shown = [n for n in (0, 10, 50, interactions - 1) if n < interactions]
        print(f"  {name:18}", "  ".join(f"{curves[name][n]:.3f}" for n in shown), f" after {shown} interactions")
    return curves


if __name__ == "__main__":
    main()
