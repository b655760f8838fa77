"""A world model in one file that runs without this package: `python -m jepa_social.export run=<dir> out=world.pt2`.

The program encodes what was seen, imagines everybody under each plan of the ego and reads out positions: the part of
`planning.dynamics.Imagination` that costs time, for those who have a planner and a machine of their own.

    program = torch.export.load("world.pt2").module()
    positions = program(position, velocity, heading, present, kind, radius, ego, dt, plans)   # [B,S,N,H,2] m

A model that sees walls (`model.walls`) takes them, `[B,W,4]`, as a tenth input. Numbers of scenes B, plans S and walls
W (1 or more) are free, agents N and frames T are those it was exported for: fill up with agents that are not present,
and with walls at `scene.FAR`. `Scene.from_arrays` says what the inputs are and makes them; frames are the model's own
`dt` apart.
"""

import sys
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from omegaconf import OmegaConf
from rich.console import Console
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from jepa_social.files import with_draft
from jepa_social.mind.world_model import WorldModel
from jepa_social.runs import run_folder
from jepa_social.scene import Scene

INPUTS = ("position", "velocity", "heading", "present", "kind", "radius", "ego", "dt")
CLOSE = 1e-5
"""m by which the program may differ from the model."""


class ImaginedPositions(nn.Module):
    """Encode, imagine and read out, from plain tensors (see `Scene` for each)."""

    def __init__(self, model: WorldModel):
        super().__init__()
        self.jepa, self.motion = model.jepa, model.motion

    def forward(
        self,
        position: Float[Tensor, "B N T 2"],
        velocity: Float[Tensor, "B N T 2"],
        heading: Float[Tensor, "B N T"],
        present: Bool[Tensor, "B N T"],
        kind: Int[Tensor, "B N"],
        radius: Float[Tensor, "B N"],
        ego: Int[Tensor, "B"],
        dt: Float[Tensor, "B"],
        plans: Float[Tensor, "B S H 2"],
        walls: Float[Tensor, "B W 4"] | None = None,
    ) -> Float[Tensor, "B S N H 2"]:
        """Positions (m, world frame) of all agents under the ego's `plans` (velocity commands, m/s, world frame)."""
        scene = Scene(
            position, velocity, heading, present, kind, radius, ego, dt, walls=walls, batch_size=[position.shape[0]]
        )
        anchor = self.jepa.encode(scene).at()
        return self.motion(anchor, self.jepa.imagine(anchor, plans)).position


def export_model(
    run: str | Path, path: str | Path, agents: int = 16, frames: int = 8, samples: int = 32
) -> ExportedProgram:
    """Export the world model of `run` to the file `path` (`.pt2`) and return the program as it was read back.

    Args:
        run: a run directory, or "pretrained".
        path: where it goes.
        agents: N, the ego included.
        frames: T.
        samples: S that it is traced and checked with; others are allowed.

    Raises:
        FileNotFoundError: no finished run.
        ValueError: a size is below what a program can be traced with.
        RuntimeError: the program's positions differ from the model's by more than 1e-5 m; nothing is written.
    """
    if min(agents, frames) < 1 or samples < 2:
        raise ValueError(f"agents={agents} and frames={frames} must be >= 1, samples={samples} >= 2")
    model = WorldModel.load(run_folder(run))
    model.jepa.teacher = None
    eager = ImaginedPositions(model).eval()
    batch, plans = Dim("batch", min=1, max=65536), Dim("plans", min=1, max=65536)
    shapes = {name: {0: batch} for name in INPUTS} | {"plans": {0: batch, 1: plans}}
    if model.jepa.config.walls:
        shapes["walls"] = {0: batch, 1: Dim("walls", min=1, max=65536)}
    with torch.no_grad():
        traced = torch.export.export(eager, example(model, 3, agents, frames, samples), dynamic_shapes=shapes)

    cases = [example(model, b, agents, frames, s) for b, s in ((1, 1), (2, samples), (5, samples + 3))]
    programs = []

    def write(draft: Path) -> None:
        with draft.open("w+b") as file:
            torch.export.save(traced, file)
            file.seek(0)
            programs.append(torch.export.load(file))
        check(programs[0].module(), eager, cases)

    with_draft(path, write)
    return programs[0]


def example(model: WorldModel, scenes: int, agents: int, frames: int, samples: int) -> tuple[Tensor, ...]:
    """Random walks with gaps, random plans, and one wall more than scenes if it sees any: what the program takes."""
    chance = torch.Generator().manual_seed(scenes)
    velocity = torch.randn(scenes, agents, 1, 2, generator=chance)
    time = model.dt * torch.arange(1 - frames, 1).view(1, 1, -1, 1)
    position = 3 * torch.randn(scenes, agents, 1, 2, generator=chance) + time * velocity
    present = torch.rand(scenes, agents, frames, generator=chance) > 0.1
    present[:, 0, -1] = True
    scene = Scene.from_arrays(position, model.dt, present=present, ego=torch.arange(scenes) % agents)
    plans = torch.randn(scenes, samples, model.horizon, 2, generator=chance)
    walls = [3 * torch.randn(scenes, scenes + 1, 4, generator=chance)] if model.jepa.config.walls else []
    return *(getattr(scene, name) for name in INPUTS), plans, *walls


@torch.no_grad()
def check(program: nn.Module, eager: ImaginedPositions, cases: list[tuple[Tensor, ...]]) -> None:
    """Refuse a program that does not say what the model says.

    Raises:
        RuntimeError: positions differ by more than `CLOSE`.
    """
    for case in cases:
        gap = float((program(*case) - eager(*case)).abs().max())
        if not gap <= CLOSE:
            plans = tuple(case[len(INPUTS)].shape)
            raise RuntimeError(f"the exported program is {gap:.2g} m off the model with {plans} plans")


def main() -> None:
    """Read `run=<dir> out=<file>` and the sizes from the command line."""
    given = dict(OmegaConf.from_dotlist(sys.argv[1:]))
    if not {"run", "out"} <= set(given) <= {"run", "out", "agents", "frames", "samples"}:
        sys.exit("usage: python -m jepa_social.export run=<dir> out=<file>.pt2 [agents=16] [frames=8] [samples=32]")
    run, path = given.pop("run"), given.pop("out")
    export_model(run, path, **{str(name): int(size) for name, size in given.items()})
    size = Path(path).stat().st_size / 1e6
    Console().print(f"written: {path} ({size:.1f} MB), equal to the model to {CLOSE:g} m", soft_wrap=True)


if __name__ == "__main__":
    main()
