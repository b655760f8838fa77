"""No objective may collapse in silence: with its regulariser off the alarm rings, with it on the latents live."""

import warnings

import lightning as L
import pytest
import torch
from hydra.utils import instantiate

from jepa_social.models.diagnostics import CollapseWarning
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.stages.pretrain import Pretrain
from tests.stages.runs import crowd

WIDTH, HORIZON, STEPS = 32, 6, 80


def pretrained(root, *overrides) -> tuple[list[dict[str, torch.Tensor]], list[str]]:
    """Health of the latents over a short pretraining on simulated logs, and the warnings given."""
    config = crowd(
        root, root / "unused", "data.source.episodes=24", f"model.width={WIDTH}", "model.heads=4",
        f"model.predictor_width={WIDTH}", f"data.module.future={HORIZON}", "pretrain.schedule.lr=3e-3", *overrides,
    )  # fmt: skip
    torch.manual_seed(0)
    objective = instantiate(config.objective)
    model = SocialJEPA(ModelConfig.of(config.model), teacher=objective.momentum is not None)
    module = Pretrain(
        model, objective, instantiate(config.pretrain.schedule), instantiate(config.augment), HORIZON, watch_every=10
    )
    looks, check = [], module.alarm.check
    module.alarm.check = lambda latents: looks.append(check(latents)) or looks[-1]
    trainer = L.Trainer(
        max_steps=STEPS, accelerator="cpu", devices=1, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, limit_val_batches=0, use_distributed_sampler=False,
        gradient_clip_val=1.0,
    )  # fmt: skip
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer.fit(module, datamodule=instantiate(config.data.module))
    assert trainer.global_step == STEPS
    return looks, [str(one.message) for one in caught if issubclass(one.category, CollapseWarning)]


@pytest.mark.parametrize("objective", ["sigreg", "ema", "vicreg"])
def test_without_its_regulariser_the_alarm_rings(data_root, objective):
    looks, said = pretrained(data_root, f"objective={objective}", "objective.weight=0")
    assert len(said) == 1, "once per collapse"
    assert "latents are collapsing" in said[0]
    assert looks[0]["alarm"] == 0
    assert looks[-1]["alarm"] == 1


@pytest.mark.parametrize("objective", ["sigreg", "ema", "vicreg"])
def test_with_its_regulariser_the_latents_live(data_root, objective):
    looks, said = pretrained(data_root, f"objective={objective}")
    assert said == []
    assert all(look["alarm"] == 0 for look in looks)
    assert min(look["effective_rank"] for look in looks[3:]) > WIDTH / 8
    assert looks[-1]["relative_spread"] > 0.2, "twice what rings the alarm"
