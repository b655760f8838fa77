"""What readouts of beliefs are given, and how they are fitted: the same for every kind of belief."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int
from omegaconf import DictConfig
from rich.progress import track
from torch import Tensor

from jepa_social.evaluation.mind.false_belief import BOXES, THING, WALKER, Trials
from jepa_social.mind.belief import BeliefReadout, fit_readout, place_pose
from jepa_social.mind.perspective import perspective
from jepa_social.models.jepa import SocialJEPA
from jepa_social.models.latents import Anchor
from jepa_social.scene import Scene

CHUNK = 250
"""Trials encoded at a time."""
HELD = 5
"""One of so many fitting trials chooses the stopping step."""
Inputs = tuple[Tensor, Tensor, Tensor]
View = Callable[[Scene], Scene]
PLAIN, OWN = "{}, present alone", "{} + perspective"


def apart(settings: DictConfig, name: str) -> tuple[range, range]:
    """Seeds of the trials that readouts are fitted on, and of those that are scored.

    Raises:
        ValueError: they overlap.
    """
    fit = range(settings.fit_seed, settings.fit_seed + settings.fit)
    scored = range(settings.first_seed, settings.first_seed + settings.trials)
    if set(fit) & set(scored):
        raise ValueError(f"suite.{name}: fit_seed and first_seed give the same trials: set them further apart")
    return fit, scored


def everyone(scene: Scene, agent: int) -> Int[Tensor, "B"]:
    """The same agent in every scene."""
    return torch.full((len(scene.position),), agent)


def walkers_own(scene: Scene, sight: float) -> Scene:
    """The scene as the walker has seen it, `sight` degrees to either side of its heading."""
    return perspective(scene, everyone(scene, WALKER), sight)


def put_where(trials: Trials, view: View) -> Float[Tensor, "K Q 4"]:
    """The box (one-hot) in which a view of the scene has the thing at each question, without any network."""
    seen, rows = view(trials.scene), torch.arange(len(trials.believed))[:, None]
    thing = seen.position[rows, trials.first_box + THING, trials.asked]
    boxes = trials.scene.position[:, trials.first_box : trials.first_box + BOXES, 0]
    return ((boxes[:, None] - thing[:, :, None]).norm(dim=-1) < 0.5).float()


def untrained_twin(jepa: SocialJEPA, seed: int) -> SocialJEPA:
    """An encoder of the same sizes that has learned nothing."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return SocialJEPA(jepa.config, teacher=False).eval()


@torch.no_grad()
def belief_inputs(
    jepa: SocialJEPA,
    trials: Trials,
    ahead: Sequence[int],
    views: Sequence[View],
    name: str,
    questions: Sequence[int] | None = None,
) -> list[Inputs]:
    """What readouts get for each of `questions` (None: all): latents of walker and boxes, and where boxes lie.

    Latents are those of the present, then those imagined `ahead` frames from it with their journeys, then those of the
    scene in each of `views`. They are causal, so one encoding serves all questions. `name` is shown while it works.
    """
    questions = range(trials.asked.shape[1]) if questions is None else questions
    parts: list[list[Inputs]] = [[] for _ in questions]
    boxes = slice(trials.first_box, trials.first_box + BOXES)
    order = trials.asked.amax(1).argsort()  # who is asked late does not make others' scenes long
    for first in track(range(0, len(order), CHUNK), description=name):
        chunk = order[first : first + CHUNK]
        asked = trials.asked[chunk]
        scene = trials.scene[chunk].between(0, int(asked.max()) + 1)
        latents = jepa.encode(scene)
        seen = [jepa.encode(view(scene)).state for view in views]
        rows, place = torch.arange(len(asked)), scene.position[:, boxes, 0]
        for part, frame in zip(parts, asked[:, list(questions)].unbind(1), strict=True):
            now = latents.at(frame)
            state = torch.cat((now.state, *_imagined(jepa, now, ahead), *(view[rows, :, frame] for view in seen)), -1)
            pose = place_pose(now.position[:, WALKER], now.heading[:, WALKER], place)
            part.append((state[:, WALKER], state[:, boxes], pose))
    back = order.argsort()
    return [(own[back], box[back], pose[back]) for own, box, pose in map(together, parts)]


def _imagined(jepa: SocialJEPA, now: Anchor, ahead: Sequence[int]) -> list[Tensor]:
    """Latents `ahead` frames from now with their journeys, side by side."""
    return [jepa.imagine(now, horizon=max(ahead))[:, 0, :, [k - 1 for k in ahead]].flatten(2)] if len(ahead) else []


def together(parts: list[Inputs]) -> Inputs:
    """One after the other."""
    own, boxes, pose = (torch.cat(part) for part in zip(*parts, strict=True))
    return own, boxes, pose


def narrowed(parts: list[Inputs], size: int, count: int | None = None) -> list[Inputs]:
    """The first `size` numbers of each latent, of the first `count` trials (None: all)."""
    return [(own[:count, :size], box[:count, :, :size], pose[:count]) for own, box, pose in parts]


def held_out(trials: Trials, questions: int) -> Tensor:
    """Which rows of several questions put to the same trials choose the stopping step."""
    return (torch.arange(len(trials.believed)) % HELD == 0).repeat(questions)


def read_belief(
    fit: Trials, known: list[Inputs], weight: Float[Tensor, "Q K"], settings: DictConfig
) -> Callable[..., Tensor]:
    """Fit one readout for several questions; what it returns gives log-probabilities `[K,4]` from inputs.

    Args:
        fit: trials with answers.
        known: their inputs, for each question.
        weight: of each trial in each question.
        settings: `steps` and `seed` of the fitting.
    """
    inputs, target = together(known), fit.believed.repeat(len(known))
    readout = BeliefReadout(inputs[0].shape[-1])
    fit_readout(readout, inputs, target, weight.flatten(), held_out(fit, len(known)), settings.steps, settings.seed)

    @torch.no_grad()
    def read(*inputs: Tensor) -> Tensor:
        return readout(*inputs).log_softmax(-1).double()

    return read
