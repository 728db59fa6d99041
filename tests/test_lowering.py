"""The training step of every config, lowered for accelerators that need not be here."""

import jax
import numpy as np
import pytest

from launch._config_flag import config_names, load_config
from spatialjax.audio import StftMethod
from spatialjax.training import init_state, make_optimizer, make_train_step

# Of the network of pixels_music, or of ambix_yt_all.
VARIANTS = (
    "ambix_rec_street",
    "pixels_music21",
    "pixels_music_finetune",
    "pixels_music_fork",
    "pixels_vggsound",
)
CONFIGS = [
    pytest.param(name, marks=pytest.mark.slow) if name in VARIANTS else name
    for name in config_names()
]


@pytest.mark.parametrize(
    ("platform", "dtype", "method"),
    [("tpu", "bfloat16", StftMethod.MATMUL), ("cuda", "float32", StftMethod.FFT)],
)
@pytest.mark.parametrize("name", CONFIGS)
def test_lowers(name, platform, dtype, method):
    config = load_config(name)
    config.task.compute_dtype = dtype
    config.task.stft_method = method
    task = config.task.build()
    shapes = jax.eval_shape(task.init, jax.random.key(0))
    optimizer = make_optimizer(config.optimizer, shapes, config.training.num_steps)
    state = jax.eval_shape(lambda v: init_state(v, optimizer), shapes)
    rows = config.data.batch_size
    batch = {
        entry: jax.ShapeDtypeStruct((rows, *spec.shape), np.dtype(spec.dtype))
        for entry, spec in task.batch_spec.items()
    }
    step = make_train_step(task, optimizer, config.seed, None)
    traced = jax.jit(step).trace(state, batch)
    text = traced.lower(lowering_platforms=(platform,)).as_text()
    assert "convolution" in text
    assert ("bf16" in text) == (dtype == "bfloat16")
