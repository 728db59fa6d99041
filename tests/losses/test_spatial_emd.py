import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linprog

from spatialjax.errors import ShapeError
from spatialjax.losses import sinkhorn_emd_hat

pytestmark = pytest.mark.usefixtures("strict_dtypes")
emd_hat = jax.jit(sinkhorn_emd_hat, static_argnames=("temperature", "num_steps"))
value_and_gradient = jax.jit(
    jax.value_and_grad(sinkhorn_emd_hat), static_argnums=(3, 4)
)


def points(num_points, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(num_points, 3))
    unit = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.arccos(np.clip(unit @ unit.T, -1, 1)) * (1 - np.eye(num_points))


def maps(*shape, seed=0):
    return np.random.default_rng(seed).exponential(size=shape).astype(np.float32)


def exact_emd_hat(first, second, distance):
    """The linear programme over all flows, float64."""
    first, second = first.astype(np.float64), second.astype(np.float64)
    each, ones = np.eye(len(first)), np.ones(len(first))
    sums = np.concatenate([np.kron(each, ones), np.kron(ones, each)])
    moved = min(first.sum(), second.sum())
    found = linprog(
        distance.ravel(),
        A_ub=sums,
        b_ub=np.concatenate([first, second]),
        A_eq=np.ones((1, distance.size)),
        b_eq=[moved],
    )
    return found.fun + abs(first.sum() - second.sum()) * distance.max()


def test_lies_just_below_the_exact_distance():
    distance = points(12)
    first, second = maps(6, 12), maps(6, 12, seed=1)
    second[3:] *= second[3:].sum(-1, keepdims=True) ** -1
    first[3:] *= first[3:].sum(-1, keepdims=True) ** -1
    given = emd_hat(*map(jnp.asarray, (first, second)), jnp.asarray(distance))
    expected = [
        exact_emd_hat(*pair, distance) for pair in zip(first, second, strict=True)
    ]
    ratio = np.asarray(given) / expected
    assert ratio.max() < 1 + 1e-4
    assert ratio.min() > 0.95
    fine = emd_hat(
        *map(jnp.asarray, (first, second, distance)), temperature=0.002, num_steps=200
    )
    np.testing.assert_allclose(fine, expected, rtol=0.01)


def test_one_mass_moves_along_its_way():
    distance = points(5)
    ones = jnp.eye(5, dtype=jnp.float32)
    given = emd_hat(jnp.repeat(ones[:1], 5, 0), ones, jnp.asarray(distance))
    np.testing.assert_allclose(given, distance[0], rtol=0.02, atol=1e-6)


def test_missing_mass_costs_the_longest_way():
    distance = jnp.asarray([[0.0, 1, 2], [1, 0, 1], [2, 1, 0]], jnp.float32)
    first, second = jnp.asarray([1.0, 0, 0]), jnp.asarray([0, 0, 0.5])
    assert emd_hat(first, second, distance) == pytest.approx(2.0, rel=0.05)
    assert emd_hat(second, first, distance) == pytest.approx(2.0, rel=0.05)
    assert emd_hat(first, 0.5 * first, distance) == pytest.approx(1.0, rel=0.03)


def test_equal_maps_and_silence_have_distance_zero_and_finite_gradients():
    distance = jnp.asarray(points(9))
    some = jnp.asarray(maps(9))
    for first, second in ((some, some), (0 * some, 0 * some), (1e-30 * some, 0 * some)):
        value, gradient = value_and_gradient(first, second, distance)
        assert abs(value) < 1e-28
        assert np.isfinite(gradient).all()


def test_gradient_is_that_of_the_exact_distance():
    distance = points(8)
    first, second = maps(8), maps(8, seed=1)
    direction = maps(8, seed=2)
    _, gradient = value_and_gradient(
        jnp.asarray(first), jnp.asarray(second), jnp.asarray(distance), 0.002, 300
    )
    ends = [
        exact_emd_hat(first + h * direction, second, distance) for h in (-1e-3, 1e-3)
    ]
    slope = (ends[1] - ends[0]) / 2e-3
    assert gradient @ jnp.asarray(direction) == pytest.approx(slope, rel=0.03)


def test_a_step_down_the_gradient_brings_the_maps_together():
    distance, masses = jnp.asarray(points(12)), maps(16, 12)
    target = jnp.asarray(maps(16, 12, seed=1))

    def total(logits):
        value = sinkhorn_emd_hat(jnp.exp(logits), target, distance)
        return value.sum(), value

    logits = jnp.log(masses)
    (_, before), gradient = jax.jit(jax.value_and_grad(total, has_aux=True))(logits)
    after = emd_hat(jnp.exp(logits - 0.002 * gradient), target, distance)
    assert (after < 0.999 * before).all()


def test_scale_of_masses_and_distances():
    first, second = jnp.asarray(maps(9)), jnp.asarray(maps(9, seed=1))
    distance = jnp.asarray(points(9))
    plain = emd_hat(first, second, distance)
    scaled = emd_hat(1e-6 * first, 1e-6 * second, 100.0 * distance)
    np.testing.assert_allclose(scaled, 1e-4 * plain, rtol=1e-3)


@pytest.mark.parametrize("platform", ["tpu", "cuda"])
def test_lowers_for_accelerators(platform):
    traced = emd_hat.trace(*2 * [jnp.zeros((8, 84))], jnp.zeros((84, 84)))
    assert traced.lower(lowering_platforms=(platform,)).as_text()


def test_shapes_must_fit():
    with pytest.raises(ShapeError, match="distance"):
        sinkhorn_emd_hat(jnp.zeros(3), jnp.zeros(3), jnp.zeros((3, 4)))
    with pytest.raises(ShapeError, match="first"):
        sinkhorn_emd_hat(jnp.zeros(4), jnp.zeros(4), jnp.zeros((3, 3)))
    with pytest.raises(ShapeError, match="second"):
        sinkhorn_emd_hat(jnp.zeros((2, 3)), jnp.zeros(3), jnp.zeros((3, 3)))
