"""Somebody becomes another person, and is known again: `python -m examples.somebody_changed`.

A small model learns from logs of people who change now and then. Then it meets one who cares for one thing for sixty
interactions, and for another from then on. What it knows of them is a latent that follows what they do; a linear
readout says which character that is. Beside it, the exact observer, and one who holds that people never change.
"""

from jepa_social.evaluation.mind.change import HAZARD, SWITCH, draw_trials, observer
from jepa_social.evaluation.mind.change_model import (
    ACT,
    SITUATION,
    as_interactions,
    choice_logs,
    fit_character,
    in_context,
)
from jepa_social.models.person import PersonModel
from jepa_social.stages.person import fit_person
from jepa_social.worlds.partners import CHARACTERS


def main(steps: int = 200, seed: int = 5) -> dict[str, list[float]]:
    """How probable each observer holds the new character 0, 5, 10, 20 and 40 interactions after the switch."""
    model = fit_person(
        PersonModel(SITUATION, ACT, width=32, depth=2, heads=4),
        lambda step: as_interactions(choice_logs(32, 80, HAZARD, step)),
        steps,
        seed=0,
        rate=4e-3,
    )
    others = choice_logs(60, 100, HAZARD, 900_000)
    readout = fit_character(in_context(model, others)[0][:, 1:].flatten(0, 1), others.character.flatten())
    somebody = draw_trials(1, seed).changing
    was, now = (CHARACTERS[int(somebody.character[0, t])] for t in (0, -1))
    print(f"A {was} person becomes {now}. How probable it is held that they are {now}:")
    beliefs = {
        "the learned model": readout(in_context(model, somebody)[0]).softmax(-1),
        "the exact observer": observer(somebody, "change-point")[0],
        "who holds that nobody changes": observer(somebody, "static")[0],
    }
    said = {}
    for name, belief in beliefs.items():
        said[name] = [float(belief[0, SWITCH + n, somebody.character[0, -1]]) for n in (0, 5, 10, 20, 40)]
        print(f"  {name:30}", "  ".join(f"{p:4.2f}" for p in said[name]), " after 0, 5, 10, 20, 40 interactions")
    return said


if __name__ == "__main__":
    main()
