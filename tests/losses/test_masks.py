import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.errors import ShapeError
from spatialjax.losses import LossWeight, loss_weight, mask_bce, mask_l1, mask_l2

pytestmark = pytest.mark.usefixtures("strict_dtypes")
LOSSES = [mask_bce, mask_l1, mask_l2]


def examples(seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(3, 2, 8, 6)) * 10
    target = (rng.uniform(size=(3, 2, 8, 6)) > 0.5).astype(np.float64)
    weight = rng.uniform(1e-3, 10, size=(3, 1, 8, 6))
    return logits, target, weight


def device(*arrays, dtype=jnp.float32):
    return tuple(jnp.asarray(array, jnp.float32).astype(dtype) for array in arrays)


def test_bce_equals_the_form_with_clamped_logarithms():
    logits, target, weight = examples()
    mask, complement = 1 / (1 + np.exp(-logits)), 1 / (1 + np.exp(logits))
    first, second = np.maximum(np.log(mask), -100), np.maximum(np.log(complement), -100)
    expected = (-weight * (target * first + (1 - target) * second)).mean((-2, -1))
    given = mask_bce(*device(logits, target, weight))
    assert given.shape == (3, 2)
    np.testing.assert_allclose(given, expected, rtol=1e-5)
    unweighted = -(target * first + (1 - target) * second).mean((-2, -1))
    np.testing.assert_allclose(mask_bce(*device(logits, target)), unweighted, rtol=1e-5)


def test_bce_is_exact_where_the_logit_is_large():
    logits = jnp.asarray([[[30.0]], [[-30.0]], [[500.0]], [[-500.0]], [[0.0]]])
    target = jnp.asarray([[[1.0]], [[0.0]], [[0.0]], [[0.0]], [[0.3]]])
    expected = [np.exp(-30.0), np.exp(-30.0), 500, 0, np.log(2)]
    np.testing.assert_allclose(mask_bce(logits, target), expected, rtol=1e-5)


def test_bce_gradient_is_mask_minus_target():
    logits, target, weight = device(*examples())
    logits = logits.at[0, 0, 0].set(0.0)
    total = jax.jit(lambda z: mask_bce(z, target, weight).sum())
    gradient = jax.grad(total)(logits)
    expected = weight * (jax.nn.sigmoid(logits) - target) / 48
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(("loss", "power"), [(mask_l1, 1), (mask_l2, 2)])
def test_differences_equal_numpy(loss, power):
    mask, target, weight = examples()
    expected = (weight * np.abs(mask - target) ** power).mean((-2, -1))
    np.testing.assert_allclose(loss(*device(mask, target, weight)), expected, rtol=1e-5)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("scale", [0.0, 1.0, 1000.0])
@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_finite(loss, scale, dtype):
    predicted, target, weight = device(*examples(), dtype=dtype)
    predicted = predicted * jnp.asarray(scale, dtype)
    total = jax.jit(jax.value_and_grad(lambda p: loss(p, target, weight).sum()))
    value, gradient = total(predicted)
    assert value.dtype == jnp.float32
    assert gradient.dtype == dtype
    assert np.isfinite(value)
    assert np.isfinite(gradient.astype(jnp.float32)).all()


def test_weights_of_each_kind():
    rng = np.random.default_rng(0)
    magnitude = (rng.exponential(size=(2, 9, 5)) ** 4).astype(np.float32)
    magnitude[0, 0, 0], magnitude[0, 0, 1] = 0.0, 1e6
    log1p = loss_weight(jnp.asarray(magnitude), LossWeight.LOG1P)
    np.testing.assert_allclose(log1p, np.clip(np.log1p(magnitude), 1e-3, 10), rtol=1e-5)
    assert log1p.min() == np.float32(1e-3)
    assert log1p.max() == 10
    assert (loss_weight(jnp.asarray(magnitude), LossWeight.NONE) == 1).all()
    root = np.sqrt(magnitude)
    expected = np.clip(root / root.mean((-2, -1), keepdims=True), 1e-3, 10)
    weight = loss_weight(jnp.asarray(magnitude), LossWeight.SQRT)
    np.testing.assert_allclose(weight, expected, rtol=1e-5)


def test_root_weights_ignore_the_level_but_not_silence():
    magnitude = jnp.asarray(np.random.default_rng(0).exponential(size=(9, 5)))
    magnitude = magnitude.astype(jnp.float32)
    loud, quiet = (
        loss_weight(scale * magnitude, LossWeight.SQRT) for scale in (30.0, 0.03)
    )
    np.testing.assert_allclose(loud, quiet, rtol=1e-5)
    assert loud.mean() == pytest.approx(1, abs=1e-5)
    silence = loss_weight(jnp.full((9, 5), 1e-10), LossWeight.SQRT)
    np.testing.assert_allclose(silence, 1e-3, rtol=1e-5)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("kind", list(LossWeight))
def test_weights_carry_no_gradient(kind, dtype):
    magnitude = jnp.zeros((4, 4), dtype)
    assert loss_weight(magnitude, kind).dtype == jnp.float32
    total = jax.jit(lambda m: loss_weight(m, kind).sum())
    assert not jax.grad(total)(magnitude).any()


@pytest.mark.parametrize("loss", LOSSES)
def test_shapes_that_do_not_belong_together(loss):
    with pytest.raises(ShapeError, match="target mask"):
        loss(jnp.zeros((2, 4, 4)), jnp.zeros((1, 4, 4)))
    with pytest.raises(ShapeError, match="expected"):
        loss(jnp.zeros(4), jnp.zeros(4))
    for shape in ((4, 4), (2, 4, 5)):
        with pytest.raises(ShapeError, match="weight has shape"):
            loss(jnp.zeros((2, 4, 4)), jnp.zeros((2, 4, 4)), jnp.zeros(shape))
