import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.ambisonics import spherical_harmonics
from spatialjax.errors import ShapeError
from spatialjax.metrics import (
    diffuseness_error,
    direction_error_rad,
    order_energy_ratio_db,
)

pytestmark = pytest.mark.usefixtures("strict_dtypes")


def plane_wave(azimuth_deg, elevation_deg=0.0, order=1, level=0.1, seed=0):
    azimuth, elevation = np.deg2rad(azimuth_deg), np.deg2rad(elevation_deg)
    horizontal = np.cos(elevation)
    direction = np.array(
        [np.cos(azimuth) * horizontal, np.sin(azimuth) * horizontal, np.sin(elevation)]
    )
    signal = level * np.random.default_rng(seed).normal(size=4800)
    return np.float32(spherical_harmonics(direction, order)[:, None] * signal)


def diffuse(seed=1, level=0.1):
    """Equal energy in W and in X + Y + Z, all of them independent."""
    noise = np.random.default_rng(seed).normal(size=(4, 480000))
    return np.float32(level * noise / np.sqrt([[1], [3], [3], [3]]))


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
        [np.zeros((4, 480000), np.float32), 1e-3 * diffuse(), diffuse(level=1.0)]
    )
    estimate = jnp.broadcast_to(jnp.asarray(diffuse(seed=2)), target.shape)
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
    wave, around = np.zeros((2, 4, 480000), np.float32), diffuse()
    wave[:, :, :4800] = plane_wave(10)
    target = np.stack([wave[0], around])
    estimate = np.stack([around, around])
    given = diffuseness_error(jnp.asarray(estimate), jnp.asarray(target))
    np.testing.assert_allclose(given.value, [1, 0], atol=0.01)
    assert given.weight.tolist() == [1, 1]
    silent = diffuseness_error(jnp.asarray(wave[0]), jnp.zeros((4, 480000)))
    assert silent.weight == 0
    assert np.isfinite(silent.value)


def test_ratio_of_each_degree():
    target = plane_wave(33, 21, order=2)
    gains = np.float32([1, 0.5, 0.5, 0.5, 2, 2, 2, 2, 2])[:, None]
    given = order_energy_ratio_db(jnp.asarray(gains * target), jnp.asarray(target))
    six = 20 * np.log10(2)
    np.testing.assert_allclose(given.value, [0, -six, six], atol=1e-3)
    assert given.weight.tolist() == [1, 1, 1]
    gone = target * np.float32([1, 0, 0, 0, 0, 0, 0, 0, 0])[:, None]
    missing = order_energy_ratio_db(jnp.asarray(gone), jnp.asarray(target))
    assert missing.value.tolist() == [0, -60, -60]
    invented = order_energy_ratio_db(jnp.asarray(target), jnp.asarray(gone))
    assert invented.weight.tolist() == [1, 0, 0]
    assert invented.value.tolist() == [0, 0, 0]


def test_all_are_zero_for_the_target():  # B 22
    fields = jnp.asarray(np.random.default_rng(3).normal(size=(5, 4, 500)), jnp.float32)
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
