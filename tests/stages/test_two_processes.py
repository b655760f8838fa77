"""Training in two processes, as a machine with two GPUs starts it."""

import subprocess
import sys

from safetensors.torch import load_file

from tests.stages.runs import CONFIGS, CROWD, TINY


def test_a_run_in_two_processes_ends(data_root, finished, tmp_path):
    two = [*CROWD, *TINY, "trainer.devices=2", f"data.root={data_root}", f"run={tmp_path / 'two'}"]
    command = [sys.executable, "train.py", *two, "pretrain.epochs=1"]
    told = subprocess.run(command, cwd=CONFIGS.parent, capture_output=True, text=True, timeout=240)
    assert told.returncode == 0, told.stderr[-2000:]
    assert told.stdout.count("saved") == 1
    both, one = (load_file(run / "model.safetensors") for run in (tmp_path / "two", finished))
    assert both.keys() == one.keys()
