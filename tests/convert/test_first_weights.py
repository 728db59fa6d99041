import jax
import numpy as np
import pytest
import safetensors.numpy

from spatialjax.convert import first_weights
from spatialjax.errors import CheckpointError, ConfigError
from spatialjax.models import FrameNet
from spatialjax.tasks import PixelsConfig
from spatialjax.training import Experiment, train
from tests.convert.resnet_files import published_arrays


def config_of(path):
    return PixelsConfig(
        sound_downs=2,
        sound_width=2,
        num_channels=3,
        frame_net=FrameNet.RESNET18_FC,
        frame_width=4,
        frame_init=str(path),
    )


def test_the_trunk_comes_from_the_file_and_the_rest_stays(tmp_path):
    arrays = published_arrays(4)
    safetensors.numpy.save_file(arrays, tmp_path / "net.safetensors")
    config = config_of(tmp_path / "net.safetensors")
    drawn = jax.jit(config.build().init)(jax.random.key(0))
    amended = first_weights(config)(drawn)
    trunk = amended.params["frame"]["features"]
    kernel = arrays["conv1.weight"].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(trunk["conv1"]["kernel"], kernel)
    state = amended.state["frame"]["features"]
    np.testing.assert_array_equal(state["bn1"]["mean"], arrays["bn1.running_mean"])
    for part in ("sound", "synthesizer"):
        jax.tree.map(
            np.testing.assert_array_equal, amended.params[part], drawn.params[part]
        )
    assert jax.tree.structure(amended) == jax.tree.structure(drawn)
    shapes = jax.tree.map(np.shape, drawn)
    assert jax.tree.map(np.shape, amended) == shapes


def test_random_weights_need_no_file():
    assert first_weights(config_of("random")) is None


def test_a_missing_file_is_one_line(tmp_path):
    config = config_of(tmp_path / "absent.pth")
    shapes = jax.eval_shape(config.build().init, jax.random.key(0))
    amend = first_weights(config)
    with pytest.raises(CheckpointError, match=r"absent\.pth"):
        amend(shapes)


def test_training_refuses_to_forget_the_file(tmp_path):
    experiment = Experiment(task=config_of(tmp_path / "net.safetensors"))
    experiment.task.num_samples = 4095
    with pytest.raises(ConfigError, match=r"amend=convert\.first_weights"):
        train(experiment, tmp_path / "run")
    assert not (tmp_path / "run").exists()
