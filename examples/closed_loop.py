"""Does one need to act to be corrected? `python -m examples.closed_loop`.

An ego offers a partner one of four things, sees whether it is accepted, and updates what it knows. Beside it, the same
ego whose updating stops after five rounds.
"""

import torch

from jepa_social.evaluation.mind.encounters import Encounters, meet
from jepa_social.evaluation.mind.partners import ACT, SITUATION, Learner, partner_logs
from jepa_social.models.person import PersonModel
from jepa_social.stages.person import fit_person
from jepa_social.worlds.menus import VALUES, Partners


def main(steps: int = 600, people: int = 64, rounds: int = 30, seed: int = 5) -> dict[str, Encounters]:
    """What the learning ego and the frozen one met with."""
    blank = PersonModel(SITUATION, ACT, width=32, depth=1, heads=2)
    model = fit_person(blank, lambda step: partner_logs(32, rounds, 2 * step), steps, seed=0, rate=4e-3)
    partners = Partners(people, rounds, 10_000_000 + seed)
    probes = torch.randn(people, 8, VALUES, generator=torch.Generator().manual_seed(seed))
    met = {
        "learning": meet(Learner(model, people), partners, probes),
        "frozen after 5": meet(Learner(model, people, rounds=5), partners, probes),
    }
    one = met["learning"]
    for now in range(8):
        said = "accepted" if one.accepted[0, now] else "refused"
        print(f"round {now + 1}: the first partner {said} the offer; surprise {float(one.surprise[0, now]):.2f} nats")
    for name, some in met.items():
        late = some.accepted[:, rounds // 2 :].double().mean()
        print(f"{name}: {100 * late:.0f} % accepted in the second half, over {people} partners")
    return met


if __name__ == "__main__":
    main()
