"""Intents made visible: the futures that `sample` gives, shares and nats against a calculation by hand, pictures."""

import math

import pytest
import torch
from matplotlib.colors import same_color

from jepa_social.evaluation.figures import save
from jepa_social.evaluation.intent_figure import intent_figure, telling, usage_figure
from jepa_social.evaluation.intents import IntentFutures, IntentUsage, Usage, intent_futures
from jepa_social.evaluation.style import TRUTH
from jepa_social.mind.world_model import WorldModel
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.scene import Scene
from tests.conftest import random_scene

OBSERVED, HORIZON, CODES = 8, 4, 8


def model_with(intents: int) -> WorldModel:
    torch.manual_seed(0)
    config = ModelConfig(width=16, depth=1, heads=2, predictor_width=16, reaction=8, intents=intents)
    model = WorldModel(SocialJEPA(config), dt=0.4, horizon=HORIZON).eval()
    torch.nn.init.normal_(model.motion.out[-1].weight)  # an untrained readout says nothing: make it speak
    return model


@pytest.fixture(scope="module")
def model() -> WorldModel:
    return model_with(CODES)


def test_the_likeliest_are_those_that_sample_gives(model):
    seen = random_scene().between(0, OBSERVED)
    futures = intent_futures(model, seen, HORIZON)
    chance = futures.pooled()
    torch.testing.assert_close(chance.sum(-1), torch.ones(3))
    codes = chance.topk(6).indices
    best = futures.paths.gather(1, codes[..., None, None, None].expand(-1, -1, *futures.paths.shape[2:]))
    torch.testing.assert_close(best, model.sample(seen, HORIZON, 6))


def test_steps_are_some_of_all(model):
    seen = random_scene().between(0, OBSERVED)
    some, all_ = intent_futures(model, seen, HORIZON, [1, 3]), intent_futures(model, seen, HORIZON)
    torch.testing.assert_close(some.paths, all_.paths[..., [1, 3], :])
    torch.testing.assert_close(some.odds, all_.odds)


def test_a_model_without_intents_says_so():
    with pytest.raises(ValueError, match=r"model\.intents"):
        intent_futures(model_with(0), random_scene(), HORIZON)


def test_pooled_odds_are_the_normalised_geometric_mean_of_those_present():
    odds = torch.tensor([[[0.8, 0.2], [0.5, 0.5], [0.01, 0.99]]]).log()
    futures = IntentFutures(torch.zeros(1, 2, 3, 1, 2), odds, torch.tensor([[True, True, False]]))
    a, b = math.sqrt(0.8 * 0.5), math.sqrt(0.2 * 0.5)
    torch.testing.assert_close(futures.pooled(), torch.tensor([[a / (a + b), b / (a + b)]]))


def by_hand() -> tuple[IntentFutures, torch.Tensor, torch.Tensor]:
    """Code c goes to x = c in both frames; who is where, and who counts, is said by agent."""
    paths = torch.zeros(1, 3, 5, 2, 2)
    paths[0, :, :, :, 0] = torch.arange(3.0)[:, None, None]
    truth = torch.zeros(1, 5, 2, 2)
    truth[0, :, :, 0] = torch.tensor([[0.1, 0.2], [0.0, 0.3], [2.0, 9.0], [1.0, 1.0], [1.0, 1.0]])
    known = torch.tensor([[[True, True], [True, True], [True, False], [False, False], [True, True]]])
    odds = torch.tensor([0.5, 0.3, 0.2]).log().expand(1, 5, 3)
    return IntentFutures(paths, odds, torch.tensor([[True, True, True, True, False]])), truth, known


def counted(metric: IntentUsage) -> Usage:
    usage = metric.compute()
    assert usage is not None
    return usage


def test_usage_by_hand():
    metric = IntentUsage(3)
    assert metric.compute() is None
    metric.update(*by_hand())  # closest: 0, 0, 2; the fourth has no future, the fifth is not here
    usage = counted(metric)
    assert usage.agents == 3
    torch.testing.assert_close(usage.share.float(), torch.tensor([2 / 3, 0.0, 1 / 3]))
    torch.testing.assert_close(usage.prior.float(), torch.tensor([0.5, 0.3, 0.2]))
    assert usage.rate == pytest.approx(-(2 * math.log(0.5) + math.log(0.2)) / 3)
    assert usage.codes == pytest.approx(math.exp(2 / 3 * math.log(3 / 2) + math.log(3) / 3))


def test_who_stands_whatever_the_intent_has_no_closest_one(model):
    scene = walkers(4, 3)
    futures = intent_futures(model, scene.between(0, OBSERVED), HORIZON)
    metric = IntentUsage(CODES)
    metric.update(futures, scene.position[:, :, OBSERVED:], scene.present[:, :, OBSERVED:])
    assert counted(metric).agents == 3


def test_usage_does_not_know_how_it_was_batched(model):
    scene = random_scene(batch=4)
    whole, parts = IntentUsage(CODES), IntentUsage(CODES)
    for metric, pieces in ((whole, [scene]), (parts, [scene[:1].pad(9), scene[1:]])):
        for piece in pieces:
            futures = intent_futures(model, piece.between(0, OBSERVED), HORIZON)
            metric.update(futures, piece.position[:, :, OBSERVED:], piece.present[:, :, OBSERVED:])
    one, two = counted(whole), counted(parts)
    assert (
        one.agents
        == two.agents
        == int((scene.present[:, :, OBSERVED - 1] & scene.present[:, :, OBSERVED:].any(-1)).sum())
    )
    torch.testing.assert_close(one.share, two.share)
    torch.testing.assert_close(one.prior, two.prior, atol=1e-6, rtol=0)
    assert one.rate == pytest.approx(two.rate, abs=1e-5)


def walkers(people: int, moving: int) -> Scene:
    pace = torch.tensor([1.0] * moving + [0.0] * (people - moving))
    position = torch.zeros(1, people, 12, 2)
    position[0, :, :, 0] = 0.4 * pace[:, None] * torch.arange(12.0)
    position[0, :, :, 1] = 2.0 * torch.arange(people)[:, None]
    return Scene.from_arrays(position, 0.4)


def test_a_telling_moment_has_a_few_people_who_walk():
    found = [int(telling(walkers(*who), OBSERVED)) for who in ((2, 2), (3, 2), (10, 7), (11, 11))]
    assert found == [-1, 2, 7, -1]
    leaving = walkers(4, 4)
    leaving.present[:, 0, -1] = False
    assert int(telling(leaving, OBSERVED)) == 3


def test_a_moment_under_each_intent(model, tmp_path):
    scene = random_scene()
    seen = scene.between(0, OBSERVED)
    futures = intent_futures(model, seen, HORIZON)
    figure = intent_figure(scene, OBSERVED, futures, model.forecast(seen, HORIZON))
    titles = [panel.get_title(loc="left") for panel in figure.axes]
    assert len(titles) == 7
    assert titles[0].startswith("expected, no intent")
    best = int(futures.pooled()[0].argmax())
    assert titles[1].startswith(f"intent {best}, p = {float(futures.pooled()[0, best]):.2f}")
    marked = [number for number, title in enumerate(titles) if title.endswith("the closest")]
    assert len(marked) == 1
    assert [same_color(panel._left_title.get_color(), TRUTH) for panel in figure.axes].index(True) == marked[0]  # pyright: ignore[reportAttributeAccessIssue]
    off = [float(title.split("\n")[1].split(" m off")[0]) for title in titles]
    assert off[marked[0]] == min(off[1:])
    here = int(seen.present[0, :, -1].sum())
    assert [len(panel.collections) for panel in figure.axes] == [here] * 7, "nobody absent is imagined"
    assert len({(panel.get_xlim(), panel.get_ylim()) for panel in figure.axes}) == 1
    assert save(figure, tmp_path / "intents.png", 50).read_bytes()[1:4] == b"PNG"


def test_a_moment_of_which_no_future_is_known(model):
    scene = random_scene()
    scene.present[:, :, OBSERVED:] = False
    seen = scene.between(0, OBSERVED)
    figure = intent_figure(scene, OBSERVED, intent_futures(model, seen, HORIZON), model.forecast(seen, HORIZON), most=2)
    titles = [panel.get_title(loc="left") for panel in figure.axes]
    assert len(titles) == 3
    assert not any("off" in title for title in titles)


def test_usage_is_drawn_in_order_of_use(tmp_path):
    share, prior = torch.tensor([0.25, 0.75, 0.0]), torch.tensor([0.2, 0.3, 0.5])
    figure = usage_figure(Usage(share, prior, 1.5, 4))
    axes = figure.axes[0]
    assert [bar.get_height() for bar in axes.patches] == pytest.approx([75, 25, 0])  # pyright: ignore[reportAttributeAccessIssue]
    assert list(axes.lines[0].get_ydata()) == pytest.approx([30, 20, 50])
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1", "0", "2"]
    assert "1.8 of 3 intents in use" in axes.get_title(loc="left")
    assert "1.50 nats" in axes.get_title(loc="left")
    assert save(figure, tmp_path / "usage.png", 50).read_bytes()[1:4] == b"PNG"
