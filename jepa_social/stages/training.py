"""`train(config)`: pretrain, fit the readout, save; an interrupted run goes on from its last checkpoint."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from pathlib import Path
from typing import Any

import lightning as L
import torch
from filelock import FileLock
from hydra.utils import instantiate
from lightning.pytorch.callbacks import Callback, LearningRateMonitor, ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from jepa_social.data.module import SceneDataModule
from jepa_social.memory import keep_memory
from jepa_social.mind.world_model import WorldModel
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.planning.plans import Plans
from jepa_social.planning.prior import FILE as PRIOR
from jepa_social.planning.prior import Prior
from jepa_social.runs import CONFIG, SETTINGS, has_settings, run_folder, write_settings
from jepa_social.stages.clone import Clone
from jepa_social.stages.curves import curve_logger
from jepa_social.stages.health import LatentHealth
from jepa_social.stages.intent_pictures import IntentPictures
from jepa_social.stages.pictures import ForecastPictures, LatentPictures
from jepa_social.stages.pretrain import Pretrain
from jepa_social.stages.react import FitReaction, check_branches
from jepa_social.stages.readout import FitMotion

WHERE = ("accelerator", "strategy", "profiler", "detect_anomaly", "deterministic", "benchmark", "inference_mode")
"""Of `trainer`: on what steps are computed, and who watches. All else decides which steps are taken, or may."""


def train(config: DictConfig) -> Path:
    """Run all stages into `config.run` and return it; a finished run gets a prior where `clone.epochs` now asks for it.

    The folder is claimed once the data are there: a start that fails for want of data leaves none behind.

    Raises:
        FileNotFoundError: `warm_start` is no finished run.
        ValueError: the run directory holds a run with other settings, `data` has nothing to train on, or `warm_start`
            is another kind of model.
    """
    keep_memory()
    config = deepcopy(config)  # instantiating resolves interpolations in place
    run = Path(config.run)
    settings = known_by(config)
    _check_unclaimed(run, settings)
    L.seed_everything(config.seed, verbose=False)
    begun = _begun(config)
    data: SceneDataModule = instantiate(config.data.module)
    source = instantiate(config.pretrain.source)
    data.check()
    if config.reaction.epochs:
        check_branches(data.windows("train"))
    write_settings(run, settings)
    if config.objective is None:  # a reference that is not pretrained
        model = SocialJEPA(ModelConfig.of(config.model), teacher=False)
        _go_on(model, begun)
    else:
        seen = (data if source is None else data.with_source(source)).with_labels(config.pretrain.share)
        model = _pretrain(run, seen, config, begun)
    L.seed_everything(config.seed, verbose=False)  # the readout must not depend on how pretraining was interrupted
    windows, reading = config.data.module, config.readout
    world_model = WorldModel(model, windows.dt, windows.future, reading.hidden, reading.pace)
    if begun is not None:
        world_model.motion.load_state_dict(begun.motion.state_dict())
    readout = FitMotion(
        world_model,
        instantiate(config.readout.schedule),
        instantiate(config.readout.augment),
        starts=config.readout.starts,
        free=config.readout.free,
        horizon=config.data.module.future,
        seed=config.seed,
        masking=instantiate(config.readout.masking),
        noise=instantiate(config.noise),
        loss=instantiate(config.readout.loss),
        frozen=config.readout.frozen,
    )
    # Trained end to end the readout has no pretraining before it: it gets as many epochs as both together.
    epochs = config.readout.epochs + (0 if config.readout.frozen else config.pretrain.epochs)
    labelled = data.with_labels(config.readout.labels)
    looks: list[Callback] = [ForecastPictures(run / "figures"), IntentPictures(run / "figures")]
    with _alone(Path(config.readout.folder), fitted_by(config)) as folder:
        _fit(folder, readout, labelled, config, epochs, looks)
    if config.reaction.epochs:
        L.seed_everything(config.seed, verbose=False)
        schedule = instantiate(config.reaction.schedule)
        stage = FitReaction(world_model, schedule, windows.future, config.reaction.displacement)
        _fit(run / "reaction", stage, data, config, config.reaction.epochs, [])
    if rank_zero_only.rank == 0:
        world_model.save(run)
        Console().print(f"saved [bold]{run / CONFIG}[/] and the weights beside it")
    if config.clone.epochs:
        clone(run, world_model, config)
    return run


def clone(run: Path, world_model: WorldModel, config: DictConfig) -> None:
    """Clone a policy prior from the logs of `config.data` into `run` (see `Clone`).

    Raises:
        ValueError: one was begun there with other settings, or `clone.ahead` is shorter than a plan.
    """
    _claim(run / "clone", config)
    L.seed_everything(config.seed, verbose=False)
    settings = config.clone
    plans = Plans.lasting(config.planner.mpc.horizon, world_model.dt, config.planner.mpc.knots)
    prior = Prior(world_model.jepa.config.width, plans)
    stage = Clone(
        prior,
        world_model,
        instantiate(settings.schedule),
        ahead=settings.ahead,
        ego_kind=config.planner.ego_kind,
        robots=settings.robots,
        seed=config.seed,
    )
    data: SceneDataModule = instantiate(config.data.module, future=settings.ahead)
    _fit(run / "clone", stage, data, config, settings.epochs, [])
    if rank_zero_only.rank == 0:
        prior.save(run)
        Console().print(f"saved [bold]{run / PRIOR}[/]")


def known_by(config: DictConfig) -> DictConfig:
    """What a run is known by: a prior may come later."""
    return OmegaConf.masked_copy(config, [str(key) for key in config if key != "clone"])


def pretrained_by(config: DictConfig) -> DictConfig:
    """What pretraining is known by: runs that agree in it may share one (`devices` too: each takes a batch a step)."""
    parts = ["seed", "warm_start", "data", "model", "objective", "masking", "noise", "augment", "pretrain", "trainer"]
    decisive = OmegaConf.masked_copy(config, parts)
    decisive.trainer = OmegaConf.masked_copy(config.trainer, [str(key) for key in config.trainer if key not in WHERE])
    return decisive


def fitted_by(config: DictConfig) -> DictConfig:
    """What a readout is known by: runs that agree in it may share one; planner and costs come later."""
    decisive = pretrained_by(config)
    decisive.readout = config.readout
    return decisive


def _begun(config: DictConfig) -> WorldModel | None:
    """What training goes on from, checked to be of the same kind."""
    if config.warm_start is None:
        return None
    begun = WorldModel.load(run_folder(config.warm_start))
    momentum = None if config.objective is None else instantiate(config.objective).momentum
    mine = (ModelConfig.of(config.model), momentum is not None, config.readout.hidden, config.readout.pace)
    found = (begun.jepa.config, begun.jepa.teacher is not None, begun.readout_hidden, begun.motion.pace)
    if found != mine:
        raise ValueError(
            f"warm_start={config.warm_start} has model, target encoder, readout.hidden and readout.pace {found}, "
            f"this run {mine}: set model, objective and readout as there"
        )
    return begun


def _go_on(model: SocialJEPA, begun: WorldModel | None) -> None:
    """Give `model` the weights of the run that it goes on from, if there is one."""
    if begun is not None:
        model.load_state_dict(begun.jepa.state_dict())


def _pretrain(run: Path, data: SceneDataModule, config: DictConfig, begun: WorldModel | None) -> SocialJEPA:
    """Pretrain in `config.pretrain.folder`; runs that share it, one after the other, pretrain once."""
    objective = instantiate(config.objective)
    model = SocialJEPA(ModelConfig.of(config.model), teacher=objective.momentum is not None)
    _go_on(model, begun)
    stage = Pretrain(
        model,
        objective,
        instantiate(config.pretrain.schedule),
        instantiate(config.augment),
        starts=config.pretrain.starts,
        free=config.pretrain.free,
        seed=config.seed,
        watch_every=config.pretrain.watch_every,
        horizon=config.pretrain.horizon,
        rollout=config.pretrain.rollout,
        masking=instantiate(config.masking),
        noise=instantiate(config.noise),
        intents=instantiate(config.pretrain.intents),
        journey=config.pretrain.journey,
    )
    looks: list[Callback] = [LatentPictures(run / "figures"), LatentHealth(run / "figures")]
    with _alone(Path(config.pretrain.folder), pretrained_by(config)) as folder:
        _fit(folder, stage, data, config, config.pretrain.epochs, looks)
    return model


@contextmanager
def _alone(folder: Path, settings: DictConfig) -> Iterator[Path]:
    """A stage's `folder`, claimed and locked against other runs; processes beside the first come in with it, as it
    holds the lock while they train."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock") if rank_zero_only.rank == 0 else nullcontext():
        _claim(folder, settings)
        yield folder


def _check_unclaimed(folder: Path, config: DictConfig) -> None:
    """Check that `folder` was not begun with other settings."""
    path = folder / SETTINGS
    if path.is_file() and not has_settings(folder, config):
        raise ValueError(f"{path} was written with other settings: choose another folder, or delete {folder}")


def _claim(folder: Path, config: DictConfig) -> None:
    """Write the settings into `folder`, or check that they are the ones it was begun with."""
    _check_unclaimed(folder, config)
    write_settings(folder, config)


def _fit(
    folder: Path,
    module: L.LightningModule,
    data: SceneDataModule,
    config: DictConfig,
    epochs: int,
    extra: list[Callback],
) -> None:
    """Train one stage, resuming from `folder/last.ckpt` where there is one; a finished stage only loads its weights.

    With `trainer.max_steps` a stage that was cut begins anew: Lightning would skip the rest of its next epoch.
    """
    last, done, resumed = folder / "last.ckpt", 0, False
    if last.is_file():
        state = torch.load(last, map_location="cpu", weights_only=False)
        if state["epoch"] + 1 >= epochs:
            module.load_state_dict(state["state_dict"])
            return
        resumed = config.trainer.get("max_steps", -1) == -1
        done = state["global_step"] if resumed else 0
    callbacks: list[Callback] = [
        ModelCheckpoint(
            dirpath=folder, filename="last", save_top_k=1, enable_version_counter=False, save_on_train_epoch_end=True
        ),
        LearningRateMonitor(logging_interval="step"),
        RichProgressBar(refresh_rate=5),
        *extra,
    ]
    settings: dict[Any, Any] = dict(config.trainer)
    settings["check_val_every_n_epoch"] = max(1, min(settings["check_val_every_n_epoch"], epochs))  # also a short stage
    trainer = L.Trainer(
        **settings,
        max_epochs=epochs,
        callbacks=callbacks,
        logger=[curve_logger(folder, done), TensorBoardLogger(folder, name="", version="")],
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        log_every_n_steps=10,
        enable_model_summary=False,
        default_root_dir=folder,
    )
    trainer.fit(module, datamodule=data, ckpt_path=str(last) if resumed else None)
