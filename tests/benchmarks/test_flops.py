"""Products counted by their shapes, against tables of the networks' layers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from launch._config_flag import load_config
from spatialjax.benchmarks.flops import count_work
from spatialjax.benchmarks.peaks import Peak
from spatialjax.training import init_state, make_optimizer, make_train_step


def array(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def conv(x, kernel, stride=1):
    return lax.conv_general_dilated(
        x,
        kernel,
        (stride, stride),
        ((1, 1), (1, 1)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def met(size, num_taps, stride=1, pad=0, dilation=1):
    """Pairs of an output and a tap along one axis that meet an input, no padding."""
    span = (num_taps - 1) * dilation + 1
    num_outputs = (
        -(-size // stride) if pad == 0 else (size + 2 * pad - span) // stride + 1
    )
    return sum(
        0 <= output * stride + tap * dilation - pad < size
        for output in range(num_outputs)
        for tap in range(num_taps)
    )


def test_a_product_of_matrices():
    work = count_work(jnp.matmul, array(3, 5), array(5, 7))
    assert work.flops == 2 * 3 * 5 * 7
    assert work.products[0].num_bytes == 4 * (3 * 5 + 5 * 7 + 3 * 7)


def test_a_batched_product():
    work = count_work(
        lambda a, b: jnp.einsum("bij,bjk->bik", a, b), array(4, 3, 5), array(4, 5, 7)
    )
    assert work.flops == 4 * 2 * 3 * 5 * 7


@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_and_both_gradients(stride):
    x, kernel = array(2, 8, 8, 3), array(3, 3, 3, 5)
    once = 2 * 2 * 5 * 3 * met(8, 3, stride, 1) ** 2
    assert count_work(lambda x, k: conv(x, k, stride), x, kernel).flops == once

    def loss(x, kernel):
        return jnp.square(conv(x, kernel, stride)).sum()

    assert count_work(jax.grad(loss, (0, 1)), x, kernel).flops == 3 * once


def test_groups_share_no_products():
    x, kernel = array(1, 4, 4, 8), array(3, 3, 2, 8)
    work = count_work(
        lambda x, k: lax.conv_general_dilated(
            x,
            k,
            (1, 1),
            "SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=4,
        ),
        x,
        kernel,
    )
    assert work.flops == 2 * 8 * 2 * met(4, 3, 1, 1) ** 2


def test_loops_branches_and_what_is_called():
    def product(x):
        return x @ x

    def loop(x):
        return lax.scan(lambda y, _: (product(y), None), x, length=6)[0]

    def branch(x):
        return lax.platform_dependent(x, cpu=jnp.negative, default=product)

    once = 2 * 4**3
    for function, times in (
        (loop, 6),
        (branch, 1),
        (jax.jit(product), 1),
        (jax.checkpoint(product), 1),
    ):
        assert count_work(function, array(4, 4)).flops == times * once


def test_the_least_time_is_that_of_the_narrower_limit():
    work = count_work(jnp.matmul, array(8, 8), array(8, 8))
    flops, num_bytes = 2 * 8**3, 4 * 3 * 64
    assert work.least_s(Peak(flops, 1e9)) == 1.0
    assert work.least_s(Peak(1e9, num_bytes / 2)) == 2.0


def traced(name, num_rows=1):
    """An experiment's estimates and step as functions of shapes."""
    experiment = load_config(name)
    if name == "pixels_music":
        experiment.task.norm_group_size = None
    task = experiment.task.build()
    variables = jax.eval_shape(task.init, jax.random.key(0))
    batch = {
        entry: jax.ShapeDtypeStruct((num_rows, *spec.shape), np.dtype(spec.dtype))
        for entry, spec in task.batch_spec.items()
    }
    optimizer = make_optimizer(experiment.optimizer, variables, 10)
    state = jax.eval_shape(lambda v: init_state(v, optimizer), variables)
    step = make_train_step(task, optimizer, 0, None)
    predict = count_work(task.predict, variables, batch, jax.random.key(0))
    return predict.flops / 2, step, (state, batch)


def resnet(dilated):
    """Products of ResNet-18 for 224 x 224: side, taps, stride, pad, dilation, i, o."""
    yield 224, 7, 2, 3, 1, 3, 64
    side, inputs = 56, 64
    for stage, outputs in enumerate((64, 128, 256, 512)):
        stride = 2 if stage in (1, 2) or (stage == 3 and not dilated) else 1
        rate = 2 if stage == 3 and dilated else 1
        for index in range(4):
            first = stride if index == 0 else 1
            # The first convolution of a dilated stage still looks at its neighbours.
            own = 1 if index == 0 else rate
            yield side, 3, first, own, own, inputs, outputs
            side, inputs = side // first, outputs
        if stage:
            yield side * stride, 1, stride, 0, 1, outputs // 2, outputs
    yield side, 3, 1, 1, 1, 512, 32


def products(layers):
    return [
        met(side, taps, stride, pad, rate) ** 2 * i * o
        for side, taps, stride, pad, rate, i, o in layers
    ]


def nominal(layers):
    return [
        (side // stride) ** 2 * taps**2 * i * o
        for side, taps, stride, _, _, i, o in layers
    ]


WIDTHS = (1, 64, 128, 256, 512, 512, 512, 512)
OUTPUTS = (32, 64, 128, 256, 512, 512, 512)


def unet_downs():
    for level in range(7):
        yield 256 >> level, 4, 2, 1, 1, WIDTHS[level], WIDTHS[level + 1]


def unet_ups():
    """Side before, channels before and after, of what doubles the sides."""
    return [
        (128 >> level, WIDTHS[level + 1] * (1 if level == 6 else 2), OUTPUTS[level])
        for level in range(7)
    ]


def test_tables_are_those_of_the_publications():
    """spec: 3.08 G for a picture, 1.82 G without dilation, 13.19 G for a mixture."""
    assert sum(nominal(resnet(True))) / 1e9 == pytest.approx(3.08, abs=0.01)
    plain = [(2 * side) ** 2 * 9 * i * o for side, i, o in unet_ups()]
    assert sum(nominal(unet_downs()) + plain) / 1e9 == pytest.approx(13.19, abs=0.01)


@pytest.mark.slow
def test_separation_takes_the_least_products():
    """Up-sampling behind the mixing of channels, no gradient for what is given."""
    forward, step, arguments = traced("pixels_music")
    pictures, downs = products(resnet(True)), products(unet_downs())
    ups = [side**2 * 9 * i * o for side, i, o in unet_ups()]
    least = 6 * sum(pictures) + sum(downs + ups)
    assert forward == pytest.approx(least, rel=0.002)  # the mixing of channels besides
    given = 6 * pictures[0] + downs[0]
    least_step = 3 * least - given
    assert count_work(step, *arguments).flops / 2 == pytest.approx(
        least_step, rel=0.003
    )
    assert 1 <= compiler_flops(step, *arguments) / 2 / least_step < 1.05


@pytest.mark.slow
def test_sound_fields_take_the_least_products():
    """spec: 3.6 G for a picture and as much for its flow, 0.11 G and 1.09 G for sound.

    Of the decoder only the rows that are heard count: a quarter of its last layer.
    """
    forward, step, arguments = traced("ambix_yt_all")
    assert 2 * 3.4e9 + 0.11e9 + 0.3e9 < forward < 2 * 3.7e9 + 0.11e9 + 0.5e9
    given = 2 * met(224, 7, 2, 3) * met(448, 7, 2, 3) * 3 * 64
    given -= met(224, 7, 2, 3) * met(448, 7, 2, 3) * 64  # flow has two channels
    least = 3 * forward - given
    assert 1 <= compiler_flops(step, *arguments) / 2 / least < 1.05


def compiler_flops(function, *arguments):
    """Of all operations, as XLA counts what is compiled for a GPU, before it is.

    For a TPU it would be more: transforms are products of matrices there.
    """
    trace = jax.jit(function).trace(*arguments)
    return trace.lower(lowering_platforms=("cuda",)).cost_analysis()["flops"]
