import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.ambisonics import angles_to_direction, pixel_to_angles
from spatialjax.errors import ShapeError
from spatialjax.losses import look_cross_entropy
from spatialjax.losses.spatial_looks import places_of

H, W = 6, 12


def direction_of(row, column):
    place = np.array([row, column], np.float64)
    return np.asarray(angles_to_direction(*pixel_to_angles(*place, H, W)))


def looks(seed=0, shape=(2, 3, 4)):
    rng = np.random.default_rng(seed)
    logit = 2 * rng.normal(size=(*shape, H, W))
    nowhere = rng.normal(size=shape)
    log_total = np.log(np.exp(logit).sum((-2, -1)) + np.exp(nowhere))
    return logit, log_total


def loss(*arrays):
    arrays = (jnp.asarray(array, jnp.float32) for array in arrays)
    return np.asarray(jax.jit(look_cross_entropy)(*arrays))


class TestPlaces:
    def shares(self, *at):
        return np.asarray(places_of(jnp.asarray(direction_of(*at), jnp.float32), H, W))

    def test_the_middle_of_a_pixel(self):
        expected = np.zeros((H, W))
        expected[2, 7] = 1
        np.testing.assert_allclose(self.shares(2, 7), expected, atol=1e-5)

    def test_between_four_pixels_over_the_seam(self):
        expected = np.zeros((H, W))
        expected[3:5, [11, 0]] = np.outer((0.75, 0.25), (0.6, 0.4))
        np.testing.assert_allclose(self.shares(3.25, 11.4), expected, atol=1e-5)

    def test_at_a_pole(self):
        shares = self.shares(-0.4, 3)
        assert shares[0, 3] == pytest.approx(1, abs=1e-5)
        for height in (1.0, -1.0):
            upright = places_of(jnp.array([0.0, 0.0, height]), H, W)
            assert upright.sum() == pytest.approx(1, abs=1e-5)


def test_is_the_weighted_mean_of_the_nats_of_places():
    rng = np.random.default_rng(1)
    logit, log_total = looks()
    energy = rng.uniform(0.1, 2, size=(2, 3, 4))
    length = energy * rng.uniform(0, 1, size=energy.shape)
    rows, columns = rng.integers(0, H, energy.shape), rng.integers(0, W, energy.shape)
    intensity = np.zeros((*energy.shape, 3))
    expected = np.zeros(2)
    for index in np.ndindex(energy.shape):
        place = rows[index], columns[index]
        intensity[index] = length[index] * direction_of(*place)
        nats = log_total[index] - logit[index][place]
        weight = length[index] ** 2 / energy[index] / energy[index[0]].sum()
        expected[index[0]] += weight * nats
    np.testing.assert_allclose(
        loss(logit, log_total, intensity, energy), expected, rtol=1e-4
    )


def test_is_least_where_all_looks_rest_on_the_source():
    shape = (1, 1, 1)
    intensity = np.broadcast_to(direction_of(2, 7), (*shape, 3))
    at = np.full((*shape, H, W), -30.0)
    at[..., 2, 7] = 0
    there = loss(at, np.zeros(shape), intensity, np.ones(shape))
    assert there == pytest.approx(0, abs=1e-4)
    away = loss(np.roll(at, 3, -1), np.zeros(shape), intensity, np.ones(shape))
    assert away == pytest.approx(30, rel=1e-4)


def test_a_diffuse_bin_and_silence_tell_nothing():
    logit, log_total = looks()
    energy = np.ones((2, 3, 4))
    energy[1] = 0
    found = loss(logit, log_total, np.zeros((2, 3, 4, 3)), energy)
    np.testing.assert_allclose(found, 0, atol=1e-6)


def test_gradient_is_the_share_less_the_target():
    shape = (1, 1, 1)
    logit, _ = looks(2, shape)
    intensity = jnp.broadcast_to(jnp.asarray(direction_of(1, 4)), (*shape, 3))

    def total(logit):
        log_total = jax.nn.logsumexp(logit, axis=(-2, -1))
        return look_cross_entropy(logit, log_total, intensity, jnp.ones(shape)).sum()

    found = np.asarray(jax.jit(jax.grad(total))(jnp.float32(logit)))[0, 0, 0]
    expected = np.exp(logit[0, 0, 0]) / np.exp(logit).sum()
    expected[1, 4] -= 1
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_gradients_are_finite_without_sound():
    logit, log_total = (jnp.asarray(a, jnp.float32) for a in looks())
    quiet = jnp.zeros((2, 3, 4, 3)), jnp.zeros((2, 3, 4))
    total = lambda *a: look_cross_entropy(*a).sum()  # noqa: E731
    found = jax.jit(jax.grad(total, (0, 1, 2, 3)))(logit, log_total, *quiet)
    assert all(np.isfinite(gradient).all() for gradient in found)


def test_shapes_must_fit():
    logit, log_total = looks()
    with pytest.raises(ShapeError, match="intensity"):
        loss(logit, log_total, np.zeros((2, 3, 4, 2)), np.ones((2, 3, 4)))
    with pytest.raises(ShapeError, match="energy"):
        loss(logit, log_total, np.zeros((2, 3, 4, 3)), np.ones((2, 3, 5)))
