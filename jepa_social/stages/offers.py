"""The `mind` suite's closed loop: act, observe, compare, update, act; and what each part of it is for."""

from pathlib import Path

import torch
from omegaconf import DictConfig, OmegaConf
from rich.progress import track

from jepa_social.evaluation.figures import save
from jepa_social.evaluation.mind.encounters import ROUNDS, Encounters, meet, yoked
from jepa_social.evaluation.mind.loop_figure import loop_figure
from jepa_social.evaluation.mind.partners import ACT, SITUATION, Careless, Ideal, Learner, Oracle, partner_logs
from jepa_social.evaluation.mind.scores import CEILING, Columns, Scored, summarise
from jepa_social.evaluation.mind.shift import Life, at_home, late_columns, live
from jepa_social.models.person import Interactions, PersonModel
from jepa_social.stages.person import fit_person, known_person
from jepa_social.worlds.menus import VALUES, Partners

LENGTHS = (20, ROUNDS)
"""Rounds of the logs that models learn from, step by step in turn."""
PROBES = 8
FROZEN = 5


def partner_model(run: Path, settings: DictConfig) -> PersonModel:
    """The model of `<run>/mind/partners.safetensors`, trained on first use."""

    def logs(step: int) -> Interactions:
        rounds = LENGTHS[step % len(LENGTHS)]
        return partner_logs(max(1, settings.interactions // rounds), rounds, settings.first_log + 2 * step)

    def fit() -> PersonModel:
        blank = PersonModel(SITUATION, ACT, settings.width)
        return fit_person(blank, logs, settings.steps, settings.seed, settings.rate, "partners: learning from logs")

    about = OmegaConf.to_container(settings)
    assert isinstance(about, dict)
    return known_person(run / "mind" / "partners.safetensors", {str(k): v for k, v in about.items()}, fit)


def closed_loop(run: Path, settings: DictConfig, ours: str) -> Scored:
    """Capability E; rows besides ours (closed, greedy): the loop cut in each place, and those who know more.

    - frozen after 5 rounds; no update at all (frozen prior);
    - no acting: the passive reader of offers made at random to the same partner, and of offers that another ego chose
      with care for another partner (yoked: Held and Hein 1963);
    - no comparison: updates as if what it expected had come true;
    - the exact observer in the same loop; the oracle.
    """
    model = partner_model(run, settings.model)
    people = settings.people
    partners = Partners(people, ROUNDS, settings.first_seed)
    probes = torch.randn(people, PROBES, VALUES, generator=torch.Generator().manual_seed(settings.first_seed + 1))
    played: dict[str, Encounters] = {}
    played[ours] = meet(Learner(model, people), partners, probes)
    played[f"{ours}, frozen after {FROZEN}"] = meet(Learner(model, people, FROZEN), partners, probes)
    played[f"{ours}, frozen prior"] = meet(Learner(model, people, 0), partners, probes)
    careless = meet(Careless(settings.first_seed), partners, probes)
    played[f"{ours}, passive reader"] = meet(Learner(model, people), partners, probes, careless)
    played[f"{ours}, yoked reader"] = meet(Learner(model, people), partners, probes, yoked(played[ours], partners))
    played[f"{ours}, no comparison"] = meet(Learner(model, people, compares=False), partners, probes)
    played[CEILING] = meet(Ideal(people), partners, probes)
    played["oracle"] = meet(Oracle(partners), partners, probes)
    found: dict[str, Columns] = {name: one.columns() for name, one in played.items()}
    scores, gaps = summarise(found, ours, {"loop_gap": ("accept_30_60", f"{ours}, frozen prior")})
    shifted, lives = population_shift(model, settings.shift, ours)
    for name, row in shifted[0].items():
        scores[name] = scores.get(name, {}) | row
    gaps[ours] |= shifted[1][ours]
    save(loop_figure(played, lives, ours), run / "figures" / "mind_closed_loop.png")
    return scores, gaps


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
