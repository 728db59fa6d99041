import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.config import validate_tree
from spatialjax.errors import ConfigError
from spatialjax.models import FrameNet
from spatialjax.nn import Activation
from spatialjax.tasks import Compat, MaskLoss, MaskTarget, PixelsConfig, Variables
from spatialjax.vision import Standardisation
from tests.fakes import fake_batch


def small_config(**changes):
    config = PixelsConfig(
        num_samples=1023,
        num_images=2,
        image_size=16,
        standardisation=Standardisation.PER_IMAGE,
        n_fft=254,
        hop=128,
        log_frequency_rows=32,
        num_channels=4,
        sound_downs=3,
        sound_width=4,
        frame_net=FrameNet.SMALL,
        frame_widths=(4, 8),
    )
    return dataclasses.replace(config, **changes)


@functools.cache
def built(**changes):
    config = small_config(**changes)
    validate_tree(config)
    task = config.build()
    return task, task.init(jax.random.key(0))


KEY = jax.random.key(1)


def losses_of(task, variables, batch):
    return jax.jit(lambda v, b: task.predict(v, b, KEY)["loss"])(variables, batch)


def test_the_default_is_the_published_example():
    config = PixelsConfig()
    validate_tree(config)
    spec = config.build().batch_spec
    assert spec["audio"].shape == (2, 1, 65535)
    assert spec["audio"].rate_hz == 11025
    assert spec["images"].shape == (2, 3, 224, 224, 3)


def test_outputs_have_the_promised_shapes():
    task, variables = built()
    batch = fake_batch(task, rows=3)
    outputs = jax.eval_shape(lambda b: task.predict(variables, b, KEY), batch)
    shapes = {name: value.shape for name, value in outputs.items()}
    assert shapes == {
        "estimates": (3, 2, 1, 896),
        "sources": (3, 2, 1, 896),
        "mixture": (3, 1, 896),
        "mask": (3, 2, 128, 8),
        "target_mask": (3, 2, 128, 8),
        "loss_weight": (3, 128, 8),
        "magnitude": (3, 128, 8),
        "loss": (3,),
    }


def test_padded_rows_do_not_train():
    task, variables = built()
    batch = fake_batch(task, rows=4)
    batch["valid"][3] = False
    loss, aux = jax.jit(lambda b: task.loss(variables, b, KEY, None))(batch)
    assert aux.weight == 3
    batch["valid"][3] = True
    full, aux = jax.jit(lambda b: task.loss(variables, b, KEY, None))(batch)
    assert aux.weight == 4
    assert full > loss


def test_evaluation_keeps_examples_apart():
    task, variables = built()
    batch = fake_batch(task, rows=4)
    alone = {name: value[2:3] for name, value in batch.items()}
    together = losses_of(task, variables, batch)
    np.testing.assert_allclose(losses_of(task, variables, alone), together[2:3], 1e-5)


def test_the_pictures_say_which_mask_is_whose():
    task, variables = built()
    batch = fake_batch(task, rows=2)
    swapped = {**batch, "images": batch["images"][:, ::-1]}
    predict = jax.jit(lambda b: task.predict(variables, b, KEY)["mask"])
    soft = dataclasses.replace(task.chain, threshold=None)
    task = dataclasses.replace(task, chain=soft)
    mask = predict(batch)
    assert np.abs(mask[:, 0] - mask[:, 1]).max() > 1e-4
    np.testing.assert_allclose(predict(swapped), mask[:, ::-1], atol=1e-6)


def test_ideal_masks_separate_what_does_not_overlap():
    task, variables = built()
    batch = fake_batch(task, rows=2)
    time = np.arange(1023) / 1023
    for source, cycles in enumerate((40, 200)):
        tone = 9000 * np.sin(2 * np.pi * cycles * time)
        batch["audio"][:, source, 0] = tone.astype(np.int16)
    ideal = dataclasses.replace(task, is_ideal=True)
    outputs = jax.jit(lambda b: ideal.predict(variables, b, KEY))(batch)
    scores = task.measure(outputs, batch)
    assert (np.asarray(scores["si_sdr_improvement_db"].value) > 15).all()
    host = task.score(outputs, batch)
    assert (host["sdr_improvement_db"].value > 10).all()
    assert set(scores) | set(host) >= {"loss", "sdr_db", "sir_db", "sar_db"}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_gradients_are_finite_even_in_silence(dtype):
    task, variables = built(compute_dtype=dtype)
    batch = fake_batch(task, rows=2)
    batch["audio"][1] = 0

    @jax.jit
    def gradient(params):
        def loss(params):
            total, aux = task.loss(Variables(params, variables.state), batch, KEY, None)
            return total / aux.weight

        return jax.grad(loss)(params)

    leaves = jax.tree.leaves(gradient(variables.params))
    assert all(np.isfinite(leaf).all() for leaf in leaves)
    assert any(np.abs(leaf).max() > 0 for leaf in leaves)
    assert all(leaf.dtype == jnp.float32 for leaf in leaves)


def test_compat_changes_statistics_and_first_weights():
    ours, variables = built()
    theirs, published = built(compat=Compat.SOUND_OF_PIXELS)
    assert theirs.model.config.norm.per_source
    assert theirs.model.config.norm.unbiased
    assert not ours.model.config.norm.per_source
    kernel = published.params["sound"]["levels"]["1"]["down"]["kernel"]
    np.testing.assert_allclose(np.std(kernel), 0.001, rtol=0.1)
    assert np.std(variables.params["sound"]["levels"]["1"]["down"]["kernel"]) > 0.01


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"num_sources": 5}, "num_sources is 5"),
        ({"num_images": 0}, "num_images is 0"),
        ({"n_fft": 255}, "even n_fft"),
        ({"hop": 0}, "hop"),
        ({"num_samples": 100}, "give at least 128"),
        ({"sound_downs": 4}, "8 frames"),
        ({"log_frequency_rows": 36}, "36 frequency rows"),
        ({"mask_activation": Activation.TANH}, "sigmoid, not tanh"),
        ({"target": MaskTarget.RATIO}, "l1 or l2"),
        (
            {"target": MaskTarget.RATIO, "loss": MaskLoss.L1, "mask_threshold": 0.5},
            "mask_threshold none, not 0.5",
        ),
        ({"mask_threshold": 2.0}, "mask_threshold is 2"),
        ({"sound_downs": 20_000}, "sound_downs is 20000"),
        ({"frame_init": "net.pth"}, "frame_net is small"),
        ({"compute_dtype": "float16"}, "bfloat16"),
        ({"norm_group_size": 0}, "group_size is 0"),
    ],
)
def test_what_cannot_be_trained_is_refused(changes, says):
    with pytest.raises(ConfigError, match=says) as caught:
        validate_tree(small_config(**changes))
    assert "\n" not in str(caught.value)


def test_ratio_masks_train_with_distances():
    config = small_config(
        target=MaskTarget.RATIO, loss=MaskLoss.L1, mask_threshold=None
    )
    validate_tree(config)
