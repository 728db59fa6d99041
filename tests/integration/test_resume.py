"""The real network, optimizer and loader: killed and resumed as if never stopped."""

import signal
import subprocess
import sys

import numpy as np
import pytest

from spatialjax.training.checkpoint import Checkpoints
from tests.integration.user import ROOT, spawn, write_config

SETTINGS = """

_plain = get_config


def get_config():
    from spatialjax.training import OptimizerConfig, OptimizerKind

    config = _plain()
    config.data.num_threads = 2
    config.optimizer = OptimizerConfig(kind=OptimizerKind.ADAM, learning_rate=1e-3)
    config.training.num_steps = 6
    config.training.log_every_steps = 1
    config.training.validate_every_steps = 3
    config.checkpoint.every_steps = 3
    return config
"""


def read_arrays(workdir, step):
    with Checkpoints(workdir) as checkpoints:
        return checkpoints.restore_leaves(step, checkpoints.shapes(step))


@pytest.mark.slow
def test_killed_and_resumed_is_bitwise_the_same(own, tmp_path):
    write_config(tmp_path)
    config = tmp_path / "own.py"
    config.write_text(config.read_text() + SETTINGS)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    flags = (f"--config={config}", f"--config.data.data_dir={own.data_dir}")
    done = spawn("train", *flags, f"--workdir={whole}")
    assert done.returncode == 0, done.stderr
    words = map(str, (config, own.data_dir, killed))
    died = subprocess.run(
        [sys.executable, "-m", "tests.integration.killed", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert not (killed / "checkpoints" / "6").exists()
    done = spawn("train", *flags, f"--workdir={killed}")
    assert done.returncode == 0, done.stderr
    one, other = (folder / "metrics.jsonl" for folder in (whole, killed))
    assert one.read_bytes() == other.read_bytes()
    arrays = read_arrays(whole, 6)
    assert any("opt_state" in name for name in arrays)
    assert any(name.startswith("state/") for name in arrays)
    for name, array in read_arrays(killed, 6).items():
        np.testing.assert_array_equal(array, arrays[name], err_msg=name)
