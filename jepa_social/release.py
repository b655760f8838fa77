"""Ship a run with the package: `python -m jepa_social.release run=runs/shipped`.

Copies what inference needs (weights without the target encoder, sizes, settings) into `jepa_social/pretrained` and
writes the model card with the numbers of the run's `results.json`. Run it in a checkout and commit what it wrote.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from jepa_social.evaluation.labels import label, say_interval
from jepa_social.evaluation.results import Scores, read_results
from jepa_social.files import with_draft
from jepa_social.mind.world_model import WorldModel
from jepa_social.planning.cloned import Cloned
from jepa_social.runs import PRETRAINED, SETTINGS, WEIGHTS, read_settings, run_folder, write_settings

MOST_BYTES = 5_000_000
LOGS = "jepa_social.worlds.simulated.SimulatedLogs"
FORESEEN = ("ade", "fde")
WALKED = ("success", "collision", "timeout", "navigation_time", "personal_space", "discomfort", "decision_ms")
CLONED = "\nThe policy cloned from the same logs is a baseline below and does not ship."
TIMED = "\n`decision` is the time of one decision, scenes batched, on the machine that ran the suite."
HOME = Path(__file__).parent / PRETRAINED


def release(run: str | Path, into: Path = HOME) -> Path:
    """Copy the run into the folder `into` and return it.

    Raises:
        FileNotFoundError: `run` is no finished run.
        ValueError: it has learned from other than simulated logs, plans with a cloned policy, has not been evaluated
            in closed loop, or its weights exceed 5 MB.
    """
    run = Path(run)
    if run.resolve() == into.resolve():
        raise ValueError(f"{run} is the folder to be written: name the run to be shipped")
    model = WorldModel.load(run)
    settings = read_settings(run)
    if settings.data.source._target_ != LOGS or settings.pretrain.source is not None:
        raise ValueError(f"{run / SETTINGS}: only runs on simulated logs ship (data=simulated, pretrain_on=null)")
    if settings.planner.prior:
        raise ValueError(f"{run / SETTINGS}: no cloned policy ships with the model: planner.prior=false")
    results = read_results(run)
    walked = {suite: scores for suite, scores in results.items() if "success" in scores.get("jepa", {})}
    if not walked:
        raise ValueError(f"{run} has no closed-loop results: python eval.py run={run} suite=crowd")
    model.jepa.teacher = None
    size = sum(value.nbytes for value in model.state_dict().values())
    if size > MOST_BYTES:
        raise ValueError(f"{run} has {size / 1e6:.1f} MB of weights, {MOST_BYTES / 1e6:.0f} ship at most: model=tiny")
    # paths of the machine it was trained on are nobody else's
    settings.run, settings.data.root = f"runs/{PRETRAINED}", "data"
    foreseen = {suite: scores for suite, scores in results.items() if "ade" in scores.get("jepa", {})}
    card = model_card(model, settings, walked, foreseen)
    model.save(into)
    (into / WEIGHTS).chmod(0o644)  # a package is read by others than who built it
    write_settings(into, settings)
    with_draft(into / "README.md", lambda draft: draft.write_text(card))
    return run_folder(PRETRAINED) if into == HOME else into


def model_card(model: WorldModel, settings: DictConfig, walked: dict[str, Scores], foreseen: dict[str, Scores]) -> str:
    """Markdown: what it is, how it was made, what it is for, how good it is and what it cannot do.

    Args:
        model: what ships.
        settings: it was trained with.
        walked: scores of suites in closed loop.
        foreseen: scores of forecasts.
    """
    source, config = settings.data.source, model.jepa.config
    low, high = source.people
    seen = "see" if source.visible else "do not see"
    forced = source.population.get("social_force", 0.0)
    parameters = sum(value.numel() for value in model.state_dict().values())
    tables = [f"Suite `{suite}`:\n\n{_table(scores, WALKED)}" for suite, scores in walked.items()]
    tables += [f"Suite `{suite}`:\n\n{_table(scores, FORESEEN)}" for suite, scores in foreseen.items()]
    told = "\n\n".join(tables)
    clock = TIMED if any("decision_ms" in row for scores in walked.values() for row in scores.values()) else ""
    cloned = any(Cloned.name in scores for scores in walked.values())
    crowd = (
        f"{source.episodes:,} episodes of {low} to {high} scripted people (ORCA, {100 * forced:.0f} % social force)\n"
        f"who {seen} the ego, {source.dt:g} s between frames, generator seed {source.seed}"
    )
    reaction = "their reactions are the script's" if source.visible else "nobody there reacts to a robot"
    return f"""# Model card: `pretrained`

A social world model (`SocialJEPA`) and its motion readout: {parameters:,} parameters, latents of width {config.width},
{config.intents} intents. It imagines {model.horizon} frames of {model.dt:g} s; scenes at other rates are resampled.
MIT, as the package.

    model, policy = jepa_social.load("pretrained"), jepa_social.load_policy("pretrained")
    python eval.py run=pretrained suite=crowd      # results: runs/pretrained

## Data

Simulated logs only, no recording of real people. {crowd}.

## Training

    python train.py experiment={settings.name} seed={settings.seed}{" clone.epochs=6" if cloned else ""}
    python eval.py run=runs/{settings.name} suite=crowd
    python -m jepa_social.release run=runs/{settings.name}

`config.yaml` holds every setting. Latents were learned from the logs without labels or rewards; the readout was fitted
{"to frozen latents" if settings.readout.frozen else "end to end with them"}.{CLONED if cloned else ""}

## Intended use

Trying the library, teaching, baselines in simulation. Not for moving a machine among people: nothing here was validated
on a robot.

## Limits

- The crowd is scripted. Real people differ, and the model was never told how: train on recordings before you claim
  anything about them.
- People of the logs {seen} the ego: {reaction}.
- Discs on a plane, at most {high} people in training; an agent looks at the {config.neighbours} nearest others
  within {config.reach:g} m.
- Positions must be in metres and within 100 km of the origin, tracks already associated to people.

## Metrics

Mean and 95 % bootstrap interval over episodes, or over windows of recorded people; one training seed.{clock}

{told}
"""


def _table(scores: Scores, shown: Sequence[str]) -> str:
    scores = {policy: row for policy, row in scores.items() if any(name in row for name in shown)}
    metrics = [name for name in shown if any(name in row for row in scores.values())]
    count = max(interval.n for row in scores.values() for interval in row.values())
    heads = [f"{label(name).name}{f', {label(name).unit}' if label(name).unit else ''}" for name in metrics]
    rows = [[f"policy (n = {count})", *heads], ["---"] * (1 + len(heads))]
    for policy, row in scores.items():
        cells = [say_interval(row[name], name) if name in row else "–" for name in metrics]
        rows.append([f"**{policy}**" if policy == "jepa" else policy, *cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    """Read `run=<dir>` from the command line."""
    given = OmegaConf.from_dotlist(sys.argv[1:])
    if set(given) != {"run"}:
        sys.exit("usage: python -m jepa_social.release run=<run directory>")
    folder = release(given.run)
    Console().print(f"written: {folder}", soft_wrap=True)


if __name__ == "__main__":
    main()
