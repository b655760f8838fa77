"""`python -m jepa_social.evaluation.gallery run=pretrained`: every picture of the gallery, and its page."""

from pathlib import Path

import hydra
from omegaconf import DictConfig
from rich.console import Console
from rich.progress import Progress

from jepa_social.evaluation.figures import save
from jepa_social.evaluation.gallery.costs import cost_pictures
from jepa_social.evaluation.gallery.picture import Picture, write_page
from jepa_social.evaluation.gallery.solvers import solver_pictures
from jepa_social.evaluation.gallery.walks import baseline_pictures, scenario_pictures
from jepa_social.mind.world_model import WorldModel
from jepa_social.runs import require_run, run_folder

DPI = 64


def groups(world_model: WorldModel, config: DictConfig) -> dict[str, tuple[str, list[Picture]]]:
    """Headings, texts and pictures of the page, for `configs/gallery.yaml`."""
    planner = config.planner
    return {
        "Costs": (
            "What it would cost to walk straight to each place (`configs/cost`).",
            cost_pictures(world_model, planner, config.spacing),
        ),
        "Solvers": (
            "All plans judged in one decision, cheap ones dark, and the one chosen (`configs/solver`).",
            solver_pictures(world_model, planner, config.solvers),
        ),
        "Baselines": (
            "Each policy in one crowd whose people see the ego (`configs/baseline`, `configs/suite/crowd.yaml`).",
            baseline_pictures(world_model, planner, config.suite.baselines),
        ),
        "Scenarios": (
            "Starts (rings), goals (crosses), walls, paths walked, the ego by ORCA (`jepa_social/worlds/scenarios`).",
            scenario_pictures(),
        ),
    }


@hydra.main(version_base="1.3", config_path="../../../configs", config_name="gallery")
def main(config: DictConfig) -> None:
    """Draw everything with the world model of `config.run` into `config.output`."""
    folder = Path(config.output)
    require_run(config)
    made = groups(WorldModel.load(run_folder(config.run)), config)
    pictures = [picture for _, some in made.values() for picture in some]
    with Progress(console=Console()) as progress:
        for picture in progress.track(pictures, description="pictures"):
            save(picture.draw(), folder / f"{picture.name}.png", dpi=DPI)
    Console().print(f"{len(pictures)} pictures in {folder}, shown by {write_page(made, folder)}")


if __name__ == "__main__":
    main()
