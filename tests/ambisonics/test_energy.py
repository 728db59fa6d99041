import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

from spatialjax.ambisonics.decode import (
    DecoderKind,
    DecoderScale,
    decode,
    plane_wave_decoder,
)
from spatialjax.ambisonics.energy import covariance, energy_map, smooth_covariance
from spatialjax.ambisonics.grids import equirect_grid
from spatialjax.ambisonics.rotation import rotate_yaw
from spatialjax.errors import ConfigError, ShapeError
from tests.ambisonics.fields import plane_waves, random_directions, random_field

pytestmark = pytest.mark.usefixtures("strict_dtypes")
HEIGHT, WIDTH = 18, 36
GRID = equirect_grid(HEIGHT, WIDTH)
fast_smooth = jax.jit(smooth_covariance, static_argnums=(1, 2))
fast_map = jax.jit(lambda field, decoder: energy_map(covariance(field), decoder))


@pytest.mark.parametrize(
    "kind", [DecoderKind.BASIC, DecoderKind.MAX_RE, DecoderKind.IN_PHASE]
)
@pytest.mark.parametrize("order", [1, 2, 3])
def test_b9_the_map_is_loudest_at_the_source(order, kind):
    decoder = plane_wave_decoder(GRID.direction, order, kind)
    signal = random_field(0)[0]
    for direction in random_directions(6, seed=order):
        energy = fast_map(plane_waves(signal, direction, order), decoder)
        cosine = GRID.direction @ direction
        # Within one cell: no further than the diagonal of a pixel.
        cell_rad = math.hypot(math.pi / HEIGHT, 2 * math.pi / WIDTH)
        assert np.arccos(cosine[np.argmax(energy)]) < cell_rad


@pytest.mark.parametrize("order", [0, 1, 3])
def test_b9_the_covariance_gives_the_energy_of_decoded_samples(order):
    field = random_field(order, 2, 3, num_samples=50)
    decoder = plane_wave_decoder(GRID.direction, order)
    found = fast_map(field, decoder)
    assert found.dtype == jnp.float32
    expected = ((decoder @ np.float64(field)) ** 2).mean(-1)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(
        np.square(jax.jit(decode)(field, decoder)).mean(-1), expected, rtol=1e-5
    )


@pytest.mark.parametrize(
    ("kind", "order", "expected"),
    [
        (DecoderKind.BASIC, 1, 4),
        (DecoderKind.LEGACY, 1, 4 / 3),
        (DecoderKind.BASIC, 3, 16),
        (DecoderKind.MAX_RE, 1, 2),
    ],
)
def test_b9_the_mean_over_the_sphere_is_the_known_one(kind, order, expected):
    grid = equirect_grid(60, 120)  # the sum over pixels is near, not equal to the mean
    decoder = plane_wave_decoder(grid.direction, order, kind, DecoderScale.NONE)
    signal = random_field(0)[0]
    signal /= np.sqrt((signal**2).mean())
    energy = fast_map(plane_waves(signal, random_directions(1)[0], order), decoder)
    mean = (grid.weight * np.asarray(energy)).sum() / grid.weight.sum()
    assert mean == pytest.approx(expected, rel=3e-3)


def test_b7_a_rolled_picture_shows_a_turned_scene():
    field = random_field(3)
    decoder = plane_wave_decoder(GRID.direction, 3)
    num_columns = np.array([0, 1, 9, -5])
    # Columns run to the right, yaw to the left.
    yaw_rad = np.float32(-2 * math.pi * num_columns / WIDTH)
    energy = np.asarray(fast_map(jax.jit(rotate_yaw)(field, yaw_rad), decoder))
    before, *after = energy.reshape(4, HEIGHT, WIDTH)
    for columns, found in zip(num_columns[1:], after, strict=True):
        np.testing.assert_allclose(found, np.roll(before, columns, -1), rtol=1e-4)


def test_covariance_is_the_mean_of_products():
    field = random_field(2, 2, num_samples=40)
    found = jax.jit(covariance)(field)
    assert found.dtype == jnp.float32
    for item in range(2):
        expected = np.cov(np.float64(field[item]), bias=True)
        mean = np.float64(field[item]).mean(-1)
        np.testing.assert_allclose(
            found[item], expected + np.outer(mean, mean), atol=1e-5
        )


def test_smoothing_is_a_first_order_filter():
    frames = covariance(random_field(1, 2, 12))
    hop_s, time_constant_s = 0.05, 0.2
    found = fast_smooth(frames, hop_s, time_constant_s)
    assert found.dtype == jnp.float32
    r = math.exp(-hop_s / time_constant_s)
    first = np.float64(frames[:, :1])
    expected, _ = scipy.signal.lfilter(
        [1 - r], [1, -r], np.float64(frames), axis=1, zi=r * first
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(found[:, 0], frames[:, 0], rtol=1e-6)


def test_the_past_fades_to_one_over_e_in_one_time_constant():
    frames = jnp.concatenate([jnp.ones((1, 4, 4)), jnp.zeros((5, 4, 4))])
    found = fast_smooth(frames, 0.05)
    np.testing.assert_allclose(found[5], math.exp(-1), rtol=1e-6)


def test_smoothing_goes_on_from_the_state_before():
    frames = covariance(random_field(1, 9))
    whole = fast_smooth(frames, 0.1)
    start = whole[:4]
    rest = fast_smooth(frames[4:], 0.1, before=start[-1])
    np.testing.assert_allclose(rest, whole[4:], rtol=1e-6)


def test_silence_has_no_energy_and_a_finite_gradient():
    decoder = plane_wave_decoder(GRID.direction, 1)
    silence = jnp.zeros((4, 8))
    np.testing.assert_array_equal(fast_map(silence, decoder), 0)
    gradient = jax.jit(jax.grad(lambda f: fast_map(f, decoder).sum()))(silence)
    assert np.isfinite(gradient).all()


def test_energy_is_never_negative():
    # A beam that is nulled: rounding must not take it below 0.
    direction = random_directions(200)
    field = plane_waves(random_field(0)[0], direction, 1)
    decoder = plane_wave_decoder(-direction, 1, DecoderKind.IN_PHASE)
    assert (fast_map(field, decoder) >= 0).all()


def test_wrong_shapes_and_times_are_refused():
    with pytest.raises(ShapeError, match="covariance"):
        energy_map(jnp.zeros((4, 9)), np.zeros((3, 4)))
    with pytest.raises(ShapeError, match="decoder"):
        energy_map(jnp.zeros((4, 4)), np.zeros((3, 9)))
    with pytest.raises(ShapeError, match="covariance"):
        smooth_covariance(jnp.zeros((4, 4)), 0.1)
    with pytest.raises(ShapeError, match="before"):
        smooth_covariance(jnp.zeros((2, 4, 4)), 0.1, before=jnp.zeros((9, 9)))
    with pytest.raises(ConfigError, match="time_constant_s is 0"):
        smooth_covariance(jnp.zeros((2, 4, 4)), 0.1, 0)


def test_no_samples_are_silence():
    np.testing.assert_array_equal(covariance(jnp.zeros((2, 4, 0))), np.zeros((2, 4, 4)))
