"""`train`: deterministic per seed, and whole again after any interruption."""

import csv
import inspect
from pathlib import Path

import pytest
import torch
from lightning import Trainer
from omegaconf import DictConfig, OmegaConf
from safetensors.torch import load_file

import jepa_social
from jepa_social.stages.pretrain import Pretrain
from jepa_social.stages.readout import FitMotion
from jepa_social.stages.training import WHERE, pretrained_by, train
from tests.conftest import random_scene
from tests.stages.runs import crowd


class PowerCut(Exception):
    """What interrupts training here."""


def spy(patch: pytest.MonkeyPatch, cut: tuple[type, int] | None = None) -> list[tuple[str, int]]:
    """Stage and number of every training step from now on; power is cut before step `cut`."""
    taken = []
    for stage in (Pretrain, FitMotion):
        whole = stage.training_step

        def watched(self, batch, batch_idx, whole=whole):
            if cut == (type(self), self.global_step):
                raise PowerCut
            taken.append((type(self).__name__, self.global_step))
            return whole(self, batch, batch_idx)

        patch.setattr(stage, "training_step", watched)
    return taken


def weights(run: Path, part: str) -> dict[str, torch.Tensor]:
    found = {name: value for name, value in load_file(run / "model.safetensors").items() if name.startswith(part)}
    assert found
    return found


def epoch_length(run: Path) -> int:
    state = torch.load(run / "pretrain" / "last.ckpt", weights_only=False)
    return state["global_step"] // 2  # two epochs


@pytest.fixture(scope="module")
def resumed(finished, data_root, tmp_path_factory) -> tuple[Path, list[list[tuple[str, int]]]]:
    """A run that lost power in its second epoch and again in its readout: the run, and the steps of each call."""
    run, calls = tmp_path_factory.mktemp("runs") / "resumed", []
    for cut in ((Pretrain, epoch_length(finished) + 1), (FitMotion, 1)):
        with pytest.MonkeyPatch.context() as patch:
            calls.append(spy(patch, cut))
            with pytest.raises(PowerCut):
                train(crowd(data_root, run))
    with pytest.MonkeyPatch.context() as patch:
        calls.append(spy(patch))
        train(crowd(data_root, run))
    return run, calls


def test_an_interrupted_run_goes_on_from_its_last_epoch(finished, resumed):
    length, (first, second, third) = epoch_length(finished), resumed[1]
    assert length > 1, "the tiny run is too tiny to be interrupted"
    assert first == [("Pretrain", step) for step in range(length + 1)]
    assert second[:length] == [("Pretrain", step) for step in range(length, 2 * length)]
    assert {stage for stage, _ in third} == {"FitMotion"}, "what is finished is not trained again"
    assert third[0] == ("FitMotion", 0)


def test_interrupted_pretraining_gives_the_weights_of_an_unbroken_run(finished, resumed):
    unbroken, broken = weights(finished, "jepa."), weights(resumed[0], "jepa.")
    for name, value in unbroken.items():
        torch.testing.assert_close(
            broken[name], value, atol=1e-6, rtol=0, msg=lambda text, name=name: f"{name}: {text}"
        )


def test_an_interrupted_readout_gives_the_weights_of_an_unbroken_run(finished, resumed):
    unbroken, broken = weights(finished, "motion."), weights(resumed[0], "motion.")
    for name, value in unbroken.items():
        torch.testing.assert_close(
            broken[name], value, atol=1e-6, rtol=0, msg=lambda text, name=name: f"{name}: {text}"
        )


def test_training_limited_in_steps_takes_them_all_after_an_interruption(data_root, tmp_path, monkeypatch):
    limit = ("pretrain.epochs=3", "+trainer.max_steps=5", "+trainer.limit_train_batches=2")
    with pytest.MonkeyPatch.context() as patch:
        spy(patch, (Pretrain, 3))
        with pytest.raises(PowerCut):
            train(crowd(data_root, tmp_path / "cut", *limit))
    steps = spy(monkeypatch)
    cut, whole = (train(crowd(data_root, tmp_path / name, *limit)) for name in ("cut", "whole"))
    assert [step for stage, step in steps if stage == "Pretrain"] == [*range(5), *range(5)]
    assert all(torch.equal(weights(cut, "")[name], value) for name, value in weights(whole, "").items())


@pytest.mark.parametrize("stage", ["pretrain", "readout"])
def test_an_interruption_leaves_the_curves_whole(finished, resumed, stage):
    """Every number of every step once, with its earlier sessions."""
    unbroken, broken = (logged(run / stage / "metrics.csv") for run in (finished, resumed[0]))
    assert list(broken) == list(unbroken)
    assert broken == pytest.approx(unbroken, abs=1e-5, rel=1e-4)


def logged(path: Path) -> dict[tuple[int, str], float]:
    """Step and name to number, as they lie in the file; none may be there twice."""
    with path.open(newline="") as file:
        rows = [(int(row.pop("step")), row) for row in csv.DictReader(file)]
    found = [((step, name), float(value)) for step, row in rows for name, value in row.items() if value]
    assert len(dict(found)) == len(found) > 0
    return dict(found)


def test_a_finished_run_is_not_trained_again(finished, data_root, monkeypatch):
    before, steps = weights(finished, ""), spy(monkeypatch)
    train(crowd(data_root, finished))
    assert steps == []
    after = weights(finished, "")
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_training_leaves_its_config_as_it_was(finished, data_root):
    config = crowd(data_root, finished)
    before = OmegaConf.to_yaml(config)
    train(config)
    assert OmegaConf.to_yaml(config) == before, "else the same call does not resume"


def test_other_settings_in_the_same_folder_are_refused(finished, data_root):
    before = (finished / "config.yaml").read_text()
    with pytest.raises(ValueError, match=r"config\.yaml was written with other settings: choose another folder"):
        train(crowd(data_root, finished, "pretrain.epochs=3"))
    assert (finished / "config.yaml").read_text() == before


def test_runs_that_differ_in_the_readout_share_one_pretraining(data_root, tmp_path, monkeypatch):
    shared = (f"pretrain.folder={tmp_path / 'shared'}", "pretrain.epochs=1")
    first, steps = train(crowd(data_root, tmp_path / "first", *shared)), spy(monkeypatch)
    second = train(crowd(data_root, tmp_path / "second", *shared, "readout.labels=0.5"))
    assert {stage for stage, _ in steps} == {"FitMotion"}
    encoder, readout = (weights(first, part) for part in ("jepa.", "motion."))
    assert all(torch.equal(weights(second, "jepa.")[name], value) for name, value in encoder.items())
    assert any(not torch.equal(weights(second, "motion.")[name], value) for name, value in readout.items())
    stretched = "readout.augment={_target_: jepa_social.stages.augment.Augment, scale: 1.0}"
    scaled = train(crowd(data_root, tmp_path / "scaled", *shared, stretched))
    assert all(torch.equal(weights(scaled, "jepa.")[name], value) for name, value in encoder.items())
    assert any(not torch.equal(weights(scaled, "motion.")[name], value) for name, value in readout.items())
    with pytest.raises(ValueError, match="was written with other settings"):
        train(crowd(data_root, tmp_path / "third", *shared, "masking=time"))
    with pytest.raises(ValueError, match="was written with other settings"):
        train(crowd(data_root, tmp_path / "fourth", *shared, "+trainer.max_steps=3"))


def test_runs_that_differ_in_the_planner_share_one_readout(data_root, tmp_path, monkeypatch):
    shared = (f"pretrain.folder={tmp_path / 'shared'}", f"readout.folder={tmp_path / 'read'}", "pretrain.epochs=1")
    first, steps = train(crowd(data_root, tmp_path / "first", *shared)), spy(monkeypatch)
    second = train(crowd(data_root, tmp_path / "second", *shared, "planner.cost.weights.comfort=3.0"))
    assert steps == []
    assert all(torch.equal(weights(second, "")[name], value) for name, value in weights(first, "").items())
    with pytest.raises(ValueError, match="was written with other settings"):
        train(crowd(data_root, tmp_path / "third", *shared, "readout.labels=0.5"))


def test_pretraining_is_known_by_what_decides_its_steps(tmp_path):
    config = OmegaConf.to_yaml(crowd(tmp_path, tmp_path))

    def known(*changes: str) -> str:
        changed = OmegaConf.merge(OmegaConf.create(config), OmegaConf.from_dotlist([*changes]))
        assert isinstance(changed, DictConfig)
        return OmegaConf.to_yaml(pretrained_by(changed))

    steps = ("devices=2", "gradient_clip_val=0.5", "max_steps=5", "precision=bf16-mixed", "accumulate_grad_batches=2")
    for other in (*(f"trainer.{one}" for one in steps), "objective.weight=2.0", "seed=1"):
        assert known(other) != known(), other
    where = ("accelerator=gpu", "strategy=ddp", "profiler=simple")
    for same in (*(f"trainer.{one}" for one in where), "readout.hidden=9"):
        assert known(same) == known(), same
    assert set(WHERE) <= set(inspect.signature(Trainer).parameters)


def test_a_share_of_the_time_changes_what_is_seen_and_not_for_how_long(finished, data_root, tmp_path):
    part = train(crowd(data_root, tmp_path / "part", "pretrain.share=0.3"))
    assert epoch_length(part) == pytest.approx(epoch_length(finished), abs=2), "batches are packed by agents"
    encoder = weights(finished, "jepa.")
    assert any(not torch.equal(weights(part, "jepa.")[name], value) for name, value in encoder.items())
    with pytest.raises(ValueError, match="must be above 0 and at most 1"):
        train(crowd(data_root, tmp_path / "none", "pretrain.share=0"))


def test_the_same_seed_gives_the_same_model_and_another_another(finished, tmp_path):
    """From nothing, simulated logs included."""
    again = train(crowd(tmp_path / "data", tmp_path / "again"))
    other = train(crowd(tmp_path / "data", tmp_path / "other", "seed=1", "pretrain.epochs=1"))
    first, second, third = (weights(run, "") for run in (finished, again, other))
    assert all(torch.equal(second[name], value) for name, value in first.items())
    assert any(not torch.equal(third[name], value) for name, value in first.items())


def test_a_warm_start_goes_on_from_the_weights_of_another_run(finished, data_root, tmp_path):
    still = ["pretrain.epochs=1", "pretrain.schedule.lr=0", "readout.schedule.lr=0"]
    run = train(crowd(data_root, tmp_path / "on", f"warm_start={finished}", "seed=3", *still))
    for part in ("jepa.", "motion."):
        for name, value in weights(finished, part).items():
            assert torch.equal(weights(run, part)[name], value), name
    for other in ("model.width=8", "objective=ema", "readout.hidden=8", "readout.pace=1.0"):
        with pytest.raises(ValueError, match="warm_start"):
            train(crowd(data_root, tmp_path / "other", f"warm_start={finished}", other))
    assert not (tmp_path / "other").exists()


def test_what_a_run_leaves_behind(finished):
    for name in (
        *("config.yaml", "config.json", "model.safetensors", "figures/latent_pca.png", "figures/forecasts.png"),
        *("figures/intents.png", "figures/intent_usage.png"),
        *("pretrain/last.ckpt", "pretrain/metrics.csv", "readout/last.ckpt", "readout/metrics.csv"),
    ):
        assert (finished / name).stat().st_size > 0, name
    assert list((finished / "pretrain").glob("events.out.tfevents*"))
    curves = (finished / "pretrain" / "metrics.csv").read_text().splitlines()
    assert {"val/prediction", "latent/effective_rank"} <= set(curves[0].split(","))
    assert not list(finished.rglob("*.tmp"))


def test_a_run_is_loaded_as_a_model_and_as_a_policy(finished):
    scene = random_scene(frames=9)
    model = jepa_social.load(finished)
    assert model.forecast(scene, 7).shape == (3, 5, 7, 2)
    policy = jepa_social.load_policy(finished)
    policy.reset()
    command = policy.act(scene)  # at 0.4 s, the model's own rate being 0.25 s
    assert command.shape == (3, 2)
    assert (command.norm(dim=-1) <= 1.2 + 1e-5).all()
    with pytest.raises(FileNotFoundError, match="is it a run directory"):
        jepa_social.load_policy(finished / "figures")


def test_heads_and_masks_survive_an_interruption_and_the_model_is_saved_without_heads(data_root, tmp_path):
    choice = ("objective=reconstruction", "masking=mixed", "masking@readout.masking=time", "pretrain.horizon=3")
    whole = train(crowd(data_root, tmp_path / "whole", *choice))
    with pytest.MonkeyPatch.context() as patch:
        spy(patch, cut=(Pretrain, epoch_length(whole) + 1))
        with pytest.raises(PowerCut):
            train(crowd(data_root, tmp_path / "broken", *choice))
    broken = train(crowd(data_root, tmp_path / "broken", *choice))
    one, two = (torch.load(run / "pretrain" / "last.ckpt", weights_only=False) for run in (whole, broken))
    assert any(name.startswith("objective.head") for name in one["state_dict"])
    for name, value in one["state_dict"].items():
        torch.testing.assert_close(two["state_dict"][name], value, atol=1e-6, rtol=0)
    assert all(name.startswith(("jepa.", "motion.")) for name in weights(whole, ""))
    assert jepa_social.load(whole).forecast(random_scene(frames=9), 12).isfinite().all()


def test_the_other_objective_trains_a_run_too(data_root, tmp_path):
    run = train(crowd(data_root, tmp_path / "run", "objective=ema", "pretrain.epochs=1"))
    model = jepa_social.load(run)
    assert model.jepa.teacher is not None
    slow, fast = weights(run, "jepa.teacher."), weights(run, "jepa.encoder.")
    assert any(not torch.equal(a, b) for a, b in zip(slow.values(), fast.values(), strict=True))
