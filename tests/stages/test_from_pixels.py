"""One shrunk run from pictures: the same pretraining, the same latents, the same questions."""

import json

from jepa_social.evaluation.mind.scores import CEILING
from jepa_social.mind.world_model import WorldModel
from jepa_social.models.pixels import PixelTokenizer
from jepa_social.stages.beliefs import false_belief
from jepa_social.stages.training import train
from tests.stages.runs import TINY, composed


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
