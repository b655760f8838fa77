"""The `mind` suite's closed loop: act, observe, compare, update, act; and what each part of it is for."""

from pathlib import Path

import torch
from omegaconf import DictConfig
from rich.progress import track

from jepa_social.evaluation.figures import save
from jepa_social.evaluation.mind.encounters import ROUNDS, Encounters, logged, meet, pooled, yoked
from jepa_social.evaluation.mind.loop_figure import loop_figure
from jepa_social.evaluation.mind.partners import ACT, SITUATION, Careless, Ego, Ideal, Informed, Learner, partner_logs
from jepa_social.evaluation.mind.reading import Ends, readers, settled
from jepa_social.evaluation.mind.reading_figure import reading_figure
from jepa_social.evaluation.mind.scores import CEILING, Columns, Scored, summarise
from jepa_social.evaluation.mind.shift import Life, at_home, late_columns, live
from jepa_social.models.person import Interactions, PersonModel
from jepa_social.stages.person import fit_person, known_person, plain
from jepa_social.worlds.menus import ALIKE, VALUES, Partners, habitual

LENGTHS = (20, ROUNDS + 20)
"""Rounds of the logs that models learn from, step by step in turn."""
PROBES = 8
FROZEN = 5
OTHERS = {who: alike for who, alike in ALIKE.items() if who != "me"}


def partner_model(run: Path, settings: DictConfig, seed: int) -> PersonModel:
    """The model of `<run>/mind/partners_<seed>.safetensors`, trained on first use."""

    def logs(step: int) -> Interactions:
        rounds = LENGTHS[step % len(LENGTHS)]
        people = max(1, settings.interactions // rounds)
        return partner_logs(people, rounds, settings.first_log + 2 * step, settings.read)

    def fit() -> PersonModel:
        blank = PersonModel(SITUATION, ACT, settings.width)
        return fit_person(
            blank, logs, settings.steps, seed, settings.rate, f"partners, seed {seed}: learning from logs"
        )

    known = plain(settings) | {"seed": seed}
    return known_person(run / "mind" / f"partners_{seed}.safetensors", known, fit, PersonModel)


def closed_loop(run: Path, settings: DictConfig, ours: str) -> Scored:
    """Capability E; rows besides ours (closed, greedy): the loop cut in each place, and those who know more.

    - frozen after 5 rounds; no update at all (frozen prior);
    - no acting: the passive reader of offers made at random to the same partner, of offers that another ego chose with
      care for another partner (yoked: Held and Hein 1963), and of the oracle's offers, which are hardly ever refused
      (the insider's log);
    - no comparison: updates as if what it expected had come true;
    - no acting either: readers of offers made to the same partner at random by a friend and by a stranger, whom it
      treats otherwise, and by a creature of habit, whom it treats alike; and the exact observer in the place of each;
    - the exact observer in the same loop; the oracle.

    Every training seed's model meets partners of its own; scores are over all of them.
    """
    models = {seed: partner_model(run, settings.model, seed) for seed in settings.seeds}
    several: dict[str, list[Encounters]] = {}
    known: list[Ends] = []
    for place, model in enumerate(track(models.values(), description="meeting partners")):
        met, ends = play_all(model, settings, settings.first_seed + 1000 * place, ours)
        known.append(ends)
        for name, one in met.items():
            several.setdefault(name, []).append(one)
    played = {name: pooled(some) for name, some in several.items()}
    found: dict[str, Columns] = {name: one.columns() for name, one in played.items()}
    scores, gaps = summarise(found, ours, {"loop_gap": ("accept_30_60", f"{ours}, frozen prior")})
    shifted, lives = population_shift(models[settings.seeds[0]], settings.shift, ours)
    for name, row in shifted[0].items():
        scores[name] = scores.get(name, {}) | row
    gaps[ours] |= shifted[1][ours]
    curves = {name: one for name, one in played.items() if not name.startswith(f"{CEILING}, ")}
    save(loop_figure(curves, lives, ours), run / "figures" / "mind_closed_loop.png")
    save(reading_figure(known, ours), run / "figures" / "mind_acting.png")
    return scores, gaps


def play_all(model: PersonModel, settings: DictConfig, seed: int, ours: str) -> tuple[dict[str, Encounters], Ends]:
    """All rows of `closed_loop` with the partners of one seed, and what those who act and those who read know then."""
    people = settings.people
    partners = Partners(people, ROUNDS, seed)
    probes = torch.randn(people, PROBES, VALUES, generator=torch.Generator().manual_seed(seed + 1))
    ends: Ends = readers(model, partners, seed + 2)
    played: dict[str, Encounters] = {}

    def play(name: str, ego: Ego, log: Encounters | None = None, actor: str = "") -> None:
        played[name] = meet(ego, partners, probes, log)
        if actor:
            ends.setdefault("acting", {})[actor] = {1.0: settled(ego, partners, seed + 3)}

    play(ours, Learner(model, people), actor="learned")
    play(f"{ours}, frozen after {FROZEN}", Learner(model, people, FROZEN), actor="frozen")
    play(f"{ours}, frozen prior", Learner(model, people, 0))
    play(f"{ours}, no comparison", Learner(model, people, compares=False))
    play(CEILING, Ideal(people), actor="exact")
    play("oracle", Informed(partners))
    careless = meet(Careless(seed), partners, probes)
    play(f"{ours}, yoked reader", Learner(model, people), yoked(played[ours], partners))
    play(f"{ours}, insider's reader", Learner(model, people), played["oracle"])
    logs = {
        "passive reader": ("me", careless),
        "reads a creature of habit": ("me", logged(*habitual(partners, settings.habit, seed + 4))),
        **{
            f"reads {who}": (who, meet(Careless(seed), partners.before_another(c), probes)) for who, c in OTHERS.items()
        },
    }
    for name, (who, log) in logs.items():
        play(f"{ours}, {name}", Learner(model, people, source=who), log)
        play(f"{CEILING}, {name}", Ideal(people, source=who), log)
    return played, ends


def population_shift(model: PersonModel, settings: DictConfig, ours: str) -> tuple[Scored, dict[str, list[Life]]]:
    """Pretrained on A, meeting B: memory in context alone, guarded gradient steps besides (ours), neither."""
    mean = torch.tensor(list(settings.mean), dtype=torch.float32)
    forms = {
        ours: (True, True),
        f"{ours}, in context only": (True, False),
        f"{ours}, frozen prior": (False, False),
    }
    lives: dict[str, list[Life]] = {name: [] for name in forms}
    for life in track(range(settings.lives), description="meeting another population"):
        seed = settings.first_seed + 1000 * life
        for name, (updates, gradient) in forms.items():
            lives[name].append(live(model, mean, settings.cohorts, settings.people, seed, updates, gradient))
    found = {name: late_columns(some) for name, some in lives.items()}
    each = len(found[ours]["shift_accept_1"]) // settings.lives
    scores, gaps = summarise(found, ours, {}, torch.arange(settings.lives).repeat_interleave(each))
    home = partner_logs(settings.people, ROUNDS, settings.first_seed - 1)
    kept = {ours: [at_home(life.model, home).mean() for life in lives[ours]]}
    kept[f"{ours}, in context only"] = [at_home(model, home).mean() for _ in lives[ours]]
    forgotten, difference = summarise(
        {name: {"shift_home": torch.tensor(v).numpy()} for name, v in kept.items()}, ours, {}
    )
    for name, row in forgotten.items():
        scores[name] |= row
    gaps[ours] |= difference[ours]
    return (scores, gaps), lives
