"""The `mind` suite: capabilities of a social mind, each between its floors and its ceiling."""

from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console

from jepa_social.evaluation.figures import save
from jepa_social.evaluation.mind.figures import belief_figure
from jepa_social.evaluation.mind.overview import Capability, overview_figure, overview_table
from jepa_social.evaluation.mind.scores import joined
from jepa_social.evaluation.mind.second_order_scores import second_order_figure
from jepa_social.evaluation.results import merge_scores, read_results
from jepa_social.models.jepa import SocialJEPA
from jepa_social.stages.beliefs import false_belief
from jepa_social.stages.cooperation import cooperation
from jepa_social.stages.customs import customs
from jepa_social.stages.errands import errands
from jepa_social.stages.mind_reward import social_reward
from jepa_social.stages.mind_tolerance import tolerance
from jepa_social.stages.mind_updating import updating
from jepa_social.stages.offers import closed_loop
from jepa_social.stages.second_order import second_order
from jepa_social.stages.values import value_inference


def score_mind(run: Path, jepa: SocialJEPA, suite: DictConfig, ours: str) -> None:
    """Score all capabilities of the suite and merge them, with figures, into `run`; models of people are trained on
    first use and kept in `<run>/mind/`.

    Raises:
        ValueError: the model cannot tell things apart, or fitting and scoring seeds overlap.
    """
    believed = false_belief(jepa, suite.false_belief, ours)
    save(belief_figure(believed[0], ours), run / "figures" / "mind_false_belief.png")
    thought = second_order(jepa, suite.second_order, ours)
    save(second_order_figure(thought[0], ours), run / "figures" / "mind_second_order.png")
    parts = [
        believed,
        thought,
        value_inference(run, suite.value_inference, ours, jepa.config.tokenizer),
        updating(run, suite.updating, ours),
        social_reward(run, suite.social_reward, ours),
        tolerance(run, suite.tolerance, ours),
        closed_loop(run, suite.closed_loop, ours),
        cooperation(run, suite.cooperation, ours),
        customs(run, suite.customs, ours),
        errands(run, suite.errands, ours),
    ]
    scores, differences = joined(parts, ours)
    merge_scores(run, suite.name, scores, differences)
    save(overview_figure(_capabilities(suite), scores, ours), run / "figures" / "mind.png")


def print_overview(run: Path, suite: DictConfig, ours: str) -> None:
    """All capabilities in one table on the terminal."""
    Console().print(overview_table(_capabilities(suite), read_results(run)[suite.name], ours))


def _capabilities(suite: DictConfig) -> list[Capability]:
    return [instantiate(one) for one in suite.overview]
