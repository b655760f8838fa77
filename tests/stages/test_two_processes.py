"""Training in two processes, as a machine with two GPUs starts it."""

import subprocess
import sys

from safetensors.torch import load_file

from tests.stages.runs import CONFIGS, CROWD, TINY

NO_WALLS = "+data.source.scenarios=[{_target_: jepa_social.worlds.scenarios.CircleCrossing}]"


def test_a_run_in_two_processes_ends(data_root, finished, tmp_path):
    """Also where the logs have nothing for some of the model: here it could see walls, and there are none."""
    two = [*CROWD, *TINY, "trainer.devices=2", f"data.root={data_root}", f"run={tmp_path / 'two'}"]
    command = [sys.executable, "train.py", *two, "pretrain.epochs=2", "model.walls=8", NO_WALLS]
    told = subprocess.run(command, cwd=CONFIGS.parent, capture_output=True, text=True, timeout=240)
    assert told.returncode == 0, told.stderr[-2000:]
    assert told.stdout.count("saved") == 1
    both, one = (load_file(run / "model.safetensors") for run in (tmp_path / "two", finished))
    assert {name for name in both if ".walls." not in name} == one.keys()
