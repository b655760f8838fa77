"""The readout stage shows what intents stand for, and says nothing of models that have none."""

import csv
import math
from pathlib import Path

import lightning as L
import torch
from torch.utils.data import DataLoader

from jepa_social.evaluation.report import write_report
from jepa_social.mind.world_model import WorldModel
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.stages.augment import Augment
from jepa_social.stages.intent_pictures import IntentPictures
from jepa_social.stages.optim import Schedule
from jepa_social.stages.readout import FitMotion
from tests.conftest import random_scene


def validated(folder: Path, intents: int) -> tuple[L.Trainer, IntentPictures]:
    torch.manual_seed(0)
    config = ModelConfig(width=16, depth=1, heads=2, predictor_width=16, reaction=8, intents=intents)
    stage = FitMotion(WorldModel(SocialJEPA(config), dt=0.4, horizon=4), Schedule(), Augment(), horizon=4)
    torch.nn.init.normal_(stage.world_model.motion.out[-1].weight)  # an untrained readout says nothing: make it speak
    looks = IntentPictures(folder)
    scenes = [random_scene(seed=seed) for seed in (0, 1)]
    trainer = L.Trainer(
        accelerator="cpu",
        devices=1,
        logger=False,
        callbacks=[looks],
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    trainer.validate(stage, DataLoader(scenes, batch_size=None, collate_fn=lambda scene: scene), verbose=False)  # pyright: ignore[reportArgumentType]
    return trainer, looks


def test_all_of_validation_is_counted_and_the_most_telling_window_shown(tmp_path):
    trainer, looks = validated(tmp_path, 5)
    scenes = [random_scene(seed=seed) for seed in (0, 1)]
    counted = sum(int((scene.present[:, :, 7] & scene.present[:, :, 8:].any(-1)).sum()) for scene in scenes)
    assert looks.usage is not None
    assert looks.usage.agents == counted
    assert looks.moment is not None
    assert looks.moment.position.shape == (1, 5, 12, 2)
    assert {path.name for path in tmp_path.iterdir()} == {"intents.png", "intent_usage.png"}
    assert 1 <= float(trainer.callback_metrics["val/codes_used"]) <= 5
    assert float(trainer.callback_metrics["val/intent_rate"]) > 0


def test_models_without_intents_are_left_alone(tmp_path):
    trainer, _ = validated(tmp_path, 0)
    assert "val/ade" in trainer.callback_metrics
    assert not any("intent" in name or "codes" in name for name in trainer.callback_metrics)
    assert not list(tmp_path.iterdir())


def test_a_run_shows_and_logs_its_intents_and_so_does_its_report(finished):
    with (finished / "readout" / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["val/intent_rate"]]
    assert len(rows) == 1, "one look an epoch"
    assert 0 < float(rows[0]["val/intent_rate"]) < 3 * math.log(20)
    assert 1 <= float(rows[0]["val/codes_used"]) <= 20
    page = write_report(finished).read_text()
    for name in ("intents", "intent usage"):
        assert f"<figcaption>{name}</figcaption>" in page
