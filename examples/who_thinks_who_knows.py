"""What does Anne think that Ben believes? `python -m examples.who_thinks_who_knows [runs/village]`.

Ben is after an apple, which is moved to another box while he may or may not look. Anne saw it moved. She comes to meet
him, so she goes where she thinks that *he* will look, and that depends on whether she saw him see it. Four stories, in
two of which she is wrong about him, are told up to a quarter of her way. Then a readout of frozen latents (of the model
given, else of an encoder that has learned nothing) and the exact observer say what she thinks.
"""

import sys
from functools import partial
from pathlib import Path

import torch
from omegaconf import OmegaConf

from jepa_social.evaluation.mind.false_belief import SHARES
from jepa_social.evaluation.mind.observer import seen_by
from jepa_social.evaluation.mind.second_order import SEEKER, SecondOrderObserver, run_pairs, watched
from jepa_social.mind.world_model import WorldModel
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.stages.belief_inputs import belief_inputs, read_belief, walkers_own
from jepa_social.stages.second_order import as_known_to_the_first

SIGHT = 80.0
QUARTER = 1


def main(run: str | None = None, fit: int = 2500, asked: int = 400) -> list[tuple[bool, bool, float, float]]:
    """For each story: does Ben know, does Anne think so, and the probability that the readout and the exact observer
    give to what she thinks."""
    if run:
        jepa, who = WorldModel.load(Path(run)).jepa, "the model"
    else:
        torch.manual_seed(0)
        blank = ModelConfig(width=32, depth=1, heads=2, predictor_width=16, intents=0, reach=16.0, kinds=10)
        jepa, who = SocialJEPA(blank, teacher=False).eval(), "an untrained encoder"
    known, pairs = run_pairs(range(4_000_000, 4_000_000 + fit)), run_pairs(range(asked))
    views = [partial(view, sight=75.0) for view in (walkers_own, as_known_to_the_first)]
    inputs, put = (belief_inputs(jepa, part.trials, (), views, "reading latents") for part in (known, pairs))
    weight = torch.ones(len(SHARES), len(known.other))
    readout = read_belief(known.trials, inputs, weight, OmegaConf.create({"steps": 300, "seed": 0}))
    exact, trials = SecondOrderObserver().answer(pairs, QUARTER), pairs.trials
    said, shown, looked = readout(*put[QUARTER]).exp(), seen_by(trials, SEEKER, SIGHT), watched(trials, SIGHT)
    knows, thinks = pairs.other == trials.actual, trials.believed == trials.actual
    told = []
    for ben, anne in ((True, True), (True, False), (False, False), (False, True)):
        story = int(((knows == ben) & (thinks == anne)).nonzero()[0, 0])
        box = trials.believed[story]
        sure, ideal = float(said[story, box]), float(exact[story, box])
        watching = "looks elsewhere"
        if looked[story]:
            watching = "has him in view" + ("" if anne or not shown[story] else ", but does not notice that he could")
        print(
            f"The apple is moved {'where Ben can see it' if shown[story] else 'behind his back'}"
            f"{', and he does' if ben else ', but he misses it' if shown[story] else ''}; Anne {watching}. "
            f"He goes to the {'new' if ben else 'old'} box, and she expects him at the {'new' if anne else 'old'} one"
            f"{', wrongly' if ben != anne else ''}. A quarter of her way on, {who} gives that "
            f"{100 * sure:.0f} %, the exact observer {100 * ideal:.0f} %."
        )
        told.append((ben, anne, sure, ideal))
    return told


if __name__ == "__main__":
    main(sys.argv[1] if sys.argv[1:] else None)
