"""One shrunk run from pictures: the same pretraining, the same latents, the same questions."""

import json

import torch

from jepa_social.evaluation.mind.scores import CEILING
from jepa_social.evaluation.mind.values import BETAS, BLIND, NO_MEMORY, OBSERVED, TOLD
from jepa_social.mind.world_model import WorldModel
from jepa_social.models.onlooker import Onlooker
from jepa_social.models.pixels import PixelTokenizer
from jepa_social.stages.beliefs import false_belief
from jepa_social.stages.training import train
from jepa_social.stages.values import value_inference
from tests.stages.runs import TINY, composed

NAMES = ("eyes", "pixels", "blind")


def test_a_run_from_pixels(tmp_path):
    run = train(
        composed(
            "train", "experiment=village", "tokenizer=vit", *TINY, "readout.epochs=0", f"data.root={tmp_path}/data",
            f"run={tmp_path}/run", "data.source.episodes=120", "model.tokenizer.width=16",
            "model.tokenizer.depth=1", "model.tokenizer.heads=2",
        )
    )  # fmt: skip
    assert json.loads((run / "config.json").read_text())["model"]["tokenizer"]["cells"] == 3
    jepa = WorldModel.load(run).jepa
    assert isinstance(jepa.encoder.tokenizer, PixelTokenizer)
    biases = [value for name, value in jepa.encoder.tokenizer.vit.blocks.named_parameters() if name.endswith("bias")]
    assert biases
    assert all(bias.abs().max() > 0 for bias in biases), "they start at zero: pretraining must have moved them"
    small = ["suite.false_belief.trials=100", "suite.false_belief.fit=150", "suite.false_belief.tomnet=2"]
    settings = composed("eval", f"run={run}", "suite=mind", "size=tiny", *small).suite.false_belief
    rows = false_belief(jepa, settings, "jepa")[0]
    assert {"jepa", "untrained", CEILING} <= set(rows)
    assert 0.0 < rows["jepa"]["belief_25"].mean <= 1.0
    asked = composed(
        "eval",
        f"run={run}",
        "suite=mind",
        "size=tiny",
        "suite.value_inference.people=20",
        "suite.value_inference.fit=40",
    )
    scores, gaps = value_inference(run, asked.suite.value_inference, "jepa", jepa.config.tokenizer)
    assert {f"{kind}_{metric}_{n}" for kind in BETAS for metric in ("rho", "nll", "kept") for n in OBSERVED[1:]} <= set(
        scores["jepa"]
    )
    assert "hasty_kept_5" not in scores[TOLD], "it is what is kept of"
    assert {TOLD, BLIND, NO_MEMORY, CEILING} <= set(gaps["jepa"]["careful_nll_5"])
    assert scores[NO_MEMORY]["hasty_nll_5"].mean == scores[TOLD]["hasty_nll_0"].mean
    eyes, model, blind = (Onlooker.load(run / "mind" / f"values_{name}.safetensors") for name in NAMES)
    for name, value in model.vit.state_dict().items():
        assert torch.equal(value, eyes.vit.state_dict()[name]), "eyes that learned are left as they are"
    patches = [one.vit.patch_embed.proj.weight for one in (model, blind)]
    assert not torch.equal(*patches)
    for name in ("mind_menus", "mind_values"):
        assert (run / "figures" / f"{name}.png").is_file()
    again = value_inference(run, asked.suite.value_inference, "jepa", jepa.config.tokenizer)
    assert again == (scores, gaps)
