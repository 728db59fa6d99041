import numpy as np
import pytest

from spatialjax.ambisonics import (
    Grid,
    Layout,
    angles_to_direction,
    fibonacci_grid,
    measured_hrirs,
    resample_hrirs,
    spherical_head,
)
from spatialjax.errors import ConfigError, DataError, ShapeError

RADIUS_M, SPEED_M_S = 0.0875, 343.0
EQUAL = np.full(6, 4 * np.pi / 6)


def head_at(azimuth_deg, rate_hz=48000, elevation_deg=0.0, **options):
    azimuth_rad = np.deg2rad(np.atleast_1d(azimuth_deg).astype(float))
    direction = angles_to_direction(azimuth_rad, np.deg2rad(elevation_deg))
    grid = Grid(direction, np.ones(len(direction)))
    return spherical_head(rate_hz, grid, **options).filters.astype(float)


def test_the_default_head_stands_all_round():
    head = spherical_head(48000)
    assert head.filters.shape == (861, 2, 256)
    assert head.filters.dtype == np.float32
    assert head.sample_rate_hz == 48000
    np.testing.assert_allclose(head.weight.sum(), 4 * np.pi)


@pytest.mark.parametrize("rate_hz", [16000, 44100, 96000])
@pytest.mark.parametrize("radius_m", [0.07, 0.0875])
def test_delay_between_the_ears_is_that_of_woodworth(rate_hz, radius_m):
    lateral_deg = np.array([-90, -50, -10, 0, 5, 30, 45, 80, 90])
    filters = head_at(lateral_deg, rate_hz, head_radius_m=radius_m)
    spectrum = np.fft.rfft(filters)
    frequency_hz = np.fft.rfftfreq(filters.shape[-1], 1 / rate_hz)
    # What the shadows add to the phase, Brown and Duda's equations 4 and 5.
    ear_angle_deg = np.stack([90 - lateral_deg, 90 + lateral_deg], -1)
    alpha = 1.05 + 0.95 * np.cos(np.deg2rad(ear_angle_deg * 180 / 150))
    slowness = np.pi * frequency_hz * radius_m / SPEED_M_S
    shadow_rad = np.arctan(alpha[..., None] * slowness) - np.arctan(slowness)
    phase_rad = np.unwrap(np.angle(spectrum)) - shadow_rad
    lateral_rad = np.deg2rad(lateral_deg)
    delay_s = radius_m / SPEED_M_S * (lateral_rad + np.sin(lateral_rad))
    band = frequency_hz < 0.44 * rate_hz
    np.testing.assert_allclose(
        (phase_rad[:, 0] - phase_rad[:, 1])[:, band],
        2 * np.pi * frequency_hz[band] * delay_s[:, None],
        atol=1e-3,
    )
    np.testing.assert_allclose(
        np.abs(spectrum)[..., band],
        np.hypot(1, alpha[..., None] * slowness)[..., band]
        / np.hypot(1, slowness)[band],
        rtol=1e-4,
    )


def test_the_head_is_heard_after_a_quarter_of_the_taps():
    front = head_at(0, elevation_deg=40)
    assert front.shape[-1] == 256
    assert np.abs(front).argmax(-1).tolist() == [[64, 64]]


def test_high_tones_double_at_the_ear_and_vanish_behind_the_head():
    spectrum = np.abs(np.fft.rfft(head_at([90, -60])))
    np.testing.assert_allclose(spectrum[..., 0], 1, rtol=1e-5)
    np.testing.assert_allclose(spectrum[0, 0, 100], 2, rtol=0.01)  # 18.75 kHz
    np.testing.assert_allclose(spectrum[1, 0, 100], 0.1, rtol=0.25)


def test_left_and_right_are_exactly_alike():
    direction = fibonacci_grid(50).direction
    grid = Grid(np.concatenate([direction, direction * [1, -1, 1]]), np.ones(100))
    filters = spherical_head(44100, grid).filters
    np.testing.assert_array_equal(filters[:50, 0], filters[50:, 1])
    np.testing.assert_array_equal(filters[:50, 1], filters[50:, 0])


def test_a_head_of_no_size_or_rate_is_refused():
    with pytest.raises(ConfigError, match="head_radius_m is 0, expected a positive"):
        spherical_head(48000, head_radius_m=0)
    with pytest.raises(ConfigError, match="sample_rate_hz is 0, expected a positive"):
        spherical_head(0)
    with pytest.raises(ConfigError, match="rate is 0 Hz"):
        resample_hrirs(spherical_head(8000, fibonacci_grid(4)), 0)


def test_measured_directions_have_the_solid_angle_of_their_cell():
    directions = Layout.OCTAHEDRON.directions
    filters = np.arange(12 * 5).reshape(6, 2, 5)
    hrirs = measured_hrirs(directions, filters, 44100)
    np.testing.assert_allclose(hrirs.weight, EQUAL, rtol=1e-4)
    np.testing.assert_array_equal(hrirs.filters, filters)
    assert hrirs.filters.dtype == np.float32
    far = measured_hrirs(1.4 * directions, filters, 44100)  # as files have metres
    np.testing.assert_allclose(far.direction, directions, atol=1e-12)
    twice = np.concatenate([directions, directions[:1]])
    weight = measured_hrirs(twice, np.zeros((7, 2, 5)), 44100).weight
    np.testing.assert_allclose(weight[[0, 6]], EQUAL[0] / 2, rtol=1e-4)
    np.testing.assert_allclose(weight[1:6], EQUAL[0], rtol=1e-4)


def test_what_is_nearest_to_a_hole_stands_for_it():
    direction = fibonacci_grid(300).direction
    kept = direction[direction[:, 2] > -0.6]
    weight = measured_hrirs(kept, np.zeros((len(kept), 2, 1)), 44100).weight
    np.testing.assert_allclose(weight.sum(), 4 * np.pi)
    upper = kept[:, 2] > -0.4
    np.testing.assert_allclose(weight[upper], 4 * np.pi / 300, rtol=0.2)
    assert weight.max() > 3 * 4 * np.pi / 300


def test_delays_are_put_before_the_filters():
    filters = np.random.default_rng(0).normal(size=(6, 2, 8))
    directions = Layout.OCTAHEDRON.directions
    whole = np.tile([3.0, 0.0], (6, 1))
    hrirs = measured_hrirs(directions, filters, 44100, whole)
    assert hrirs.filters.shape == (6, 2, 11)
    np.testing.assert_allclose(hrirs.filters[:, 0, 3:], filters[:, 0], atol=1e-6)
    np.testing.assert_allclose(hrirs.filters[:, 1, :8], filters[:, 1], atol=1e-6)
    np.testing.assert_allclose(hrirs.filters[:, 1, 8:], 0, atol=1e-6)
    half = measured_hrirs(directions, filters, 44100, np.full((6, 2), 2.5))
    bins = np.arange(5) / 11  # below the highest frequency
    ratio = np.fft.rfft(half.filters)[..., :5] / np.fft.rfft(filters, 11)[..., :5]
    expected = np.exp(-2j * np.pi * bins * 2.5)
    np.testing.assert_allclose(ratio, np.broadcast_to(expected, ratio.shape), atol=1e-5)
    none = measured_hrirs(directions, filters, 44100, np.zeros((6, 2)))
    np.testing.assert_array_equal(none.filters, filters.astype(np.float32))


@pytest.mark.parametrize(("given_hz", "wanted_hz"), [(44100, 48000), (96000, 44100)])
def test_resampled_responses_are_those_of_the_other_rate(given_hz, wanted_hz):
    grid = fibonacci_grid(20)
    resampled = resample_hrirs(spherical_head(given_hz, grid), wanted_hz)
    assert resampled.sample_rate_hz == wanted_hz
    direct = spherical_head(wanted_hz, grid)
    frequency_hz = np.fft.rfftfreq(1024, 1 / wanted_hz)
    earlier_s = 64 / wanted_hz - (128 if given_hz == 96000 else 64) / given_hz
    given, expected = (
        np.fft.rfft(head.filters, 1024)[..., frequency_hz < 15000]
        for head in (resampled, direct)
    )
    shift = np.exp(2j * np.pi * frequency_hz[frequency_hz < 15000] * earlier_s)
    np.testing.assert_allclose(given, expected * shift, atol=0.02)


def test_measurements_that_do_not_fit_are_told():
    directions = Layout.OCTAHEDRON.directions
    with pytest.raises(ShapeError, match="filters has shape"):
        measured_hrirs(directions, np.zeros((5, 2, 8)), 44100)
    with pytest.raises(ShapeError, match="delay_samples has shape"):
        measured_hrirs(directions, np.zeros((6, 2, 8)), 44100, np.zeros((1, 2)))
    with pytest.raises(DataError, match=r"a delay is -1\.0"):
        measured_hrirs(directions, np.zeros((6, 2, 8)), 44100, -np.ones((6, 2)))
    with pytest.raises(DataError, match="its vector has length 0"):
        measured_hrirs(0 * directions, np.zeros((6, 2, 8)), 44100)
    with pytest.raises(DataError, match="4 distinct directions do not enclose"):
        measured_hrirs(Layout.QUAD.directions, np.zeros((4, 2, 8)), 44100)
