import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax import metrics
from spatialjax.ambisonics import spherical_harmonics
from spatialjax.errors import ShapeError

pytestmark = pytest.mark.usefixtures("strict_dtypes")
direction_error_rad, diffuseness_error, order_energy_ratio_db = (
    jax.jit(measure, static_argnames="silent_db")
    for measure in (
        metrics.direction_error_rad,
        metrics.diffuseness_error,
        metrics.order_energy_ratio_db,
    )
)


def plane_wave(azimuth_deg, elevation_deg=0.0, order=1, level=0.1, seed=0):
    azimuth, elevation = np.deg2rad(azimuth_deg), np.deg2rad(elevation_deg)
    horizontal = np.cos(elevation)
    direction = np.array(
        [np.cos(azimuth) * horizontal, np.sin(azimuth) * horizontal, np.sin(elevation)]
    )
    signal = level * np.random.default_rng(seed).normal(size=4800)
    return np.float32(spherical_harmonics(direction, order)[:, None] * signal)


def diffuse(level=0.1):
    """Equal energy in W and in X + Y + Z, and no correlation at all."""
    angle = 2 * np.pi * np.arange(4800) / 4800 * np.array([[100], [200], [300], [400]])
    return np.float32(level * 2**0.5 * np.cos(angle) / np.sqrt([[1], [3], [3], [3]]))


@pytest.mark.parametrize("level", [0.002, 0.1, 100.0])
@pytest.mark.parametrize("order", [1, 3])
def test_angle_between_two_plane_waves(order, level):
    places = [(0, 0), (30, 0), (180, 0), (0, 90), (-60, 40), (180, -1)]
    fields = np.stack([plane_wave(*place, order, level) for place in places])
    target = np.broadcast_to(fields[0], fields.shape)
    given = direction_error_rad(jnp.asarray(fields), jnp.asarray(target))
    sixty = np.arccos(np.cos(np.deg2rad(60)) * np.cos(np.deg2rad(40)))
    expected = [*np.deg2rad([0, 30, 180, 90]), sixty, np.deg2rad(179)]
    np.testing.assert_allclose(given.value, expected, atol=1e-4)
    assert given.weight.tolist() == [1] * 6


def test_two_equal_sources_point_to_the_middle():
    pair = plane_wave(20) + plane_wave(80, seed=1)
    given = direction_error_rad(jnp.asarray(pair), jnp.asarray(plane_wave(50)))
    assert given.value < np.deg2rad(1)
    wrong = direction_error_rad(jnp.asarray(pair), jnp.asarray(plane_wave(20)))
    assert wrong.value == pytest.approx(np.deg2rad(30), abs=0.02)


def test_mono_is_a_quarter_turn_off_and_counts():
    target = plane_wave(70)
    mono = target * np.float32([[1], [0], [0], [0]])
    given = direction_error_rad(jnp.asarray(mono), jnp.asarray(target))
    assert given.value == pytest.approx(np.pi / 2)
    assert given.weight == 1


def test_targets_without_direction_do_not_count():
    target = np.stack(
        [np.zeros((4, 4800), np.float32), plane_wave(0, level=1e-4), diffuse(1.0)]
    )
    estimate = jnp.broadcast_to(jnp.asarray(plane_wave(9)), target.shape)
    given = direction_error_rad(estimate, jnp.asarray(target))
    assert given.weight.tolist() == [0, 0, 0]
    assert given.value.tolist() == [0, 0, 0]


def test_the_gate_is_the_level_of_w():
    quiet = jnp.asarray(plane_wave(0, level=0.9e-3))
    for measure in (direction_error_rad, diffuseness_error, order_energy_ratio_db):
        assert not measure(quiet, quiet).weight.any()
        assert measure(quiet, 1.2 * quiet).weight.all()
        assert measure(quiet, quiet, silent_db=-70.0).weight.all()


def test_diffuseness_error():
    target = np.stack([plane_wave(10), diffuse(), diffuse() + plane_wave(10)])
    estimate = np.stack([diffuse()] * 3)
    given = diffuseness_error(jnp.asarray(estimate), jnp.asarray(target))
    np.testing.assert_allclose(given.value, [1, 0, 0.5], atol=0.01)
    assert given.weight.tolist() == [1, 1, 1]


def test_ratio_of_each_degree():
    target = plane_wave(33, 21, order=2)
    gains = np.float32([1, 0.5, 0.5, 0.5, 2, 2, 2, 2, 2])[:, None]
    given = order_energy_ratio_db(jnp.asarray(gains * target), jnp.asarray(target))
    six = 20 * np.log10(2)
    np.testing.assert_allclose(given.value, [0, -six, six], atol=1e-3)
    assert given.weight.tolist() == [1, 1, 1]
    gone = target * np.float32([1, 0, 0, 0, 0, 0, 0, 0, 0])[:, None]
    missing = order_energy_ratio_db(jnp.asarray(gone), jnp.asarray(target))
    np.testing.assert_allclose(missing.value, [0, -60, -60], atol=1e-5)
    invented = order_energy_ratio_db(jnp.asarray(target), jnp.asarray(gone))
    assert invented.weight.tolist() == [1, 0, 0]
    np.testing.assert_allclose(invented.value, [0, 0, 0], atol=1e-5)


def test_all_are_zero_for_the_target():  # B 22
    fields = jnp.asarray(
        np.random.default_rng(3).normal(size=(3, 4, 4800)), jnp.float32
    )
    for measure in (direction_error_rad, diffuseness_error, order_energy_ratio_db):
        assert np.abs(measure(fields, fields).value).max() < 1e-6
        silent = measure(fields, 0 * fields)
        assert not silent.weight.any()
        assert np.isfinite(silent.value).all()


def test_bad_shapes_are_refused():
    for measure in (direction_error_rad, diffuseness_error, order_energy_ratio_db):
        with pytest.raises(ShapeError, match="target"):
            measure(jnp.zeros((2, 4, 50)), jnp.zeros((4, 50)))
        with pytest.raises(ShapeError, match="3 channels"):
            measure(jnp.zeros((3, 50)), jnp.zeros((3, 50)))
