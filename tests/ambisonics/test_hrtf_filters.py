import functools

import numpy as np
import pytest

from spatialjax.ambisonics import (
    DecoderKind,
    FilterMethod,
    Grid,
    Hrirs,
    Layout,
    angles_to_direction,
    degrees,
    fibonacci_grid,
    gauss_legendre_grid,
    hrtf_filters,
    spherical_harmonics,
    spherical_head,
    spherical_head_filters,
    symmetric_filters,
)
from spatialjax.errors import ConfigError, ShapeError

RATE_HZ = 48000
ALL = list(FilterMethod)


@functools.cache
def head():
    return spherical_head(RATE_HZ, gauss_legendre_grid(24))


@functools.cache
def design(order, method, **options):
    return hrtf_filters(head(), order, method, **dict(options))


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape)


def limited_hrirs(filters, grid):
    """Responses that a field of the order of the filters holds completely."""
    order = round(filters.shape[1] ** 0.5) - 1
    harmonics = spherical_harmonics(grid.direction, order)
    return Hrirs(*grid, np.einsum("qc,ect->qet", harmonics, filters), RATE_HZ)


def ears(filters, azimuth_deg, elevation_deg=0.0):
    """Responses [2, taps] of a source, through the filters."""
    order = round(filters.shape[1] ** 0.5) - 1
    angles = np.deg2rad(np.array([azimuth_deg, elevation_deg]))
    harmonics = spherical_harmonics(angles_to_direction(*angles), order)
    return np.einsum("c,ect->et", harmonics, filters.astype(float))


def ild_db(sound):
    left, right = (sound**2).sum(-1)
    return 10 * np.log10(left / right)


def itd_s(sound):
    """Lag of the right ear behind the left below 1.5 kHz, where ears compare phases."""
    spectrum = np.fft.rfft(sound, 4096)
    spectrum[:, np.fft.rfftfreq(4096, 1 / RATE_HZ) > 1500] = 0
    correlation = np.fft.irfft(spectrum[1] * spectrum[0].conj(), 8 * 4096)
    lag = np.argmax(correlation)
    return (lag if lag < 4 * 4096 else lag - 8 * 4096) / (8 * RATE_HZ)


def magnitude_error(filters, low_hz, high_hz):
    """Error of the magnitudes over theirs, in the mean over the sphere and a band."""
    order = round(filters.shape[1] ** 0.5) - 1
    harmonics = spherical_harmonics(head().direction, order)
    given = np.abs(np.fft.rfft(np.einsum("qc,ect->qet", harmonics, filters), 1024))
    target = np.abs(np.fft.rfft(head().filters, 1024))
    frequency_hz = np.fft.rfftfreq(1024, 1 / RATE_HZ)
    band = (low_hz < frequency_hz) & (frequency_hz < high_hz)
    weight = head().weight[:, None, None]
    error = weight * (given - target)[..., band] ** 2
    return np.sqrt(error.sum() / (weight * target[..., band] ** 2).sum())


def diffuse_level_db(filters, low_hz, high_hz):
    """Power of the filters over that of the responses, all round, per frequency."""
    order = round(filters.shape[1] ** 0.5) - 1
    frequency_hz = np.fft.rfftfreq(1024, 1 / RATE_HZ)
    band = (low_hz < frequency_hz) & (frequency_hz < high_hz)
    power = np.abs(np.fft.rfft(filters, 1024)[..., band]) ** 2
    given = np.einsum("c,ecf->f", 1 / (2 * degrees(order) + 1), power)
    responses = np.abs(np.fft.rfft(head().filters, 1024)[..., band]) ** 2
    share = head().weight / (4 * np.pi)
    return 10 * np.log10(given / np.einsum("q,qef->f", share, responses))


@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize(
    "weight", [np.full(200, 4 * np.pi / 200), np.geomspace(1, 9, 200)]
)
def test_least_squares_is_exact_for_what_the_order_holds(order, weight):
    filters = noise(2, (order + 1) ** 2, 20)
    hrirs = limited_hrirs(filters, Grid(fibonacci_grid(200).direction, weight))
    given = hrtf_filters(hrirs, order, FilterMethod.LEAST_SQUARES)
    assert given.dtype == np.float32
    np.testing.assert_allclose(given, filters, atol=2e-6)


def test_least_squares_minimises_the_weighted_error():
    grid = Grid(fibonacci_grid(40).direction, np.geomspace(1, 9, 40))
    hrirs = Hrirs(*grid, noise(40, 2, 6).astype(np.float32), RATE_HZ)
    filters = hrtf_filters(hrirs, 2, FilterMethod.LEAST_SQUARES)
    harmonics = spherical_harmonics(grid.direction, 2)
    error = np.einsum("qc,ect->qet", harmonics, filters) - hrirs.filters
    gradient = np.einsum("qc,q,qet->ect", harmonics, grid.weight, error)
    np.testing.assert_allclose(gradient, 0, atol=1e-4)


def test_virtual_speakers_of_order_1_are_a_cube():
    # Each response is a tap of its own, so the filters are the decoder's rows.
    cube = Layout.CUBE.directions
    responses = np.repeat(np.eye(8)[:, None], 2, axis=1).astype(np.float32)
    hrirs = Hrirs(cube, np.full(8, np.pi / 2), responses, RATE_HZ)
    filters = hrtf_filters(
        hrirs, 1, FilterMethod.VIRTUAL_SPEAKERS, kind=DecoderKind.BASIC
    )
    x, y, z = cube.T
    expected = np.stack([np.ones(8), 3 * y, 3 * z, 3 * x]) / 8
    np.testing.assert_allclose(filters, np.stack([expected] * 2), atol=1e-7)
    np.testing.assert_allclose(np.abs(filters[0, 1:]), 0.2165, atol=1e-4)
    mono = hrtf_filters(hrirs, 0, FilterMethod.VIRTUAL_SPEAKERS)
    np.testing.assert_allclose(mono, 1 / 8, atol=1e-7)  # from all round alike


def test_virtual_speakers_of_a_higher_order_are_an_exact_sum():
    filters = noise(2, 16, 20)
    hrirs = limited_hrirs(filters, gauss_legendre_grid(6))
    given = hrtf_filters(
        hrirs, 3, FilterMethod.VIRTUAL_SPEAKERS, kind=DecoderKind.BASIC
    )
    np.testing.assert_allclose(given, filters, atol=2e-6)


@pytest.mark.parametrize("order", [1, 3])
def test_magls_meets_magnitudes_above_the_crossover(order):
    magls, exact, speakers = (
        magnitude_error(design(order, method), 2000, 16000)
        for method in ("magls", "least_squares", "virtual_speakers")
    )
    assert magls < 0.12
    assert magls < 0.5 * min(exact, speakers)


@pytest.mark.parametrize("order", [1, 3])
def test_magls_is_least_squares_below_the_crossover(order):
    magls, exact = (
        np.fft.rfft(design(order, method))[..., :6] for method in ("magls", ALL[1])
    )
    np.testing.assert_allclose(magls, exact, atol=0.03)
    higher = np.fft.rfft(hrtf_filters(head(), order, crossover_hz=8000))
    exact = np.fft.rfft(design(order, "least_squares"))
    np.testing.assert_allclose(higher[..., :38], exact[..., :38], atol=0.05)
    assert np.abs(higher - exact)[..., 60:].max() > 0.2


def test_least_squares_is_dull_unless_equalised_and_magls_is_not():
    dull = diffuse_level_db(design(1, "least_squares"), 4000, 16000)
    assert dull.max() < -6
    bright = hrtf_filters(head(), 1, FilterMethod.LEAST_SQUARES, equalise=True)
    assert np.abs(diffuse_level_db(bright, 200, 16000)).max() < 0.5
    assert np.abs(diffuse_level_db(design(1, "magls"), 2000, 16000)).max() < 1


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize("order", [1, 3])
def test_levels_and_delays_between_the_ears_follow_the_azimuth(order, method):
    filters = design(order, method)
    azimuth_deg = np.array([-90, -60, -30, 0, 30, 60, 90])
    level_db = np.array([ild_db(ears(filters, azimuth)) for azimuth in azimuth_deg])
    delay_s = np.array([itd_s(ears(filters, azimuth)) for azimuth in azimuth_deg])
    np.testing.assert_array_equal(np.sign(level_db.round(2)), np.sign(azimuth_deg))
    np.testing.assert_array_equal(np.sign(delay_s), np.sign(azimuth_deg))
    np.testing.assert_allclose(level_db, -level_db[::-1], atol=0.01)
    lateral_rad = np.deg2rad(azimuth_deg)
    woodworth_s = 0.0875 / 343 * (lateral_rad + np.sin(lateral_rad))
    least = 0.55 if order == 1 else 0.9
    is_aside = azimuth_deg != 0
    ratio = delay_s[is_aside] / woodworth_s[is_aside]
    assert least < ratio.min() < ratio.max() < 1.5
    assert order == 1 or (np.diff(delay_s) > 0).all()


@pytest.mark.parametrize("azimuth_deg", [30, 60, 90, 135])
def test_magls_keeps_the_level_difference_of_the_head(azimuth_deg):
    direction = angles_to_direction(np.deg2rad([float(azimuth_deg)]), np.zeros(1))
    measured = spherical_head(RATE_HZ, Grid(direction, np.ones(1))).filters[0]
    given = ears(design(3, "magls"), azimuth_deg)
    assert abs(ild_db(given) - ild_db(measured.astype(float))) < 1


def test_symmetric_filters_make_the_middle_exact():
    filters = symmetric_filters(design(3, "magls"))
    np.testing.assert_allclose(filters, design(3, "magls"), atol=1e-5)
    assert filters.dtype == np.float32
    left, right = ears(filters, 0, 20)
    np.testing.assert_array_equal(left, right)
    np.testing.assert_allclose(ears(filters, 50, 10), ears(filters, -50, 10)[::-1])
    swapped = symmetric_filters(noise(2, 4, 5))
    np.testing.assert_array_equal(swapped[0, [0, 2, 3]], swapped[1, [0, 2, 3]])
    np.testing.assert_array_equal(swapped[0, 1], -swapped[1, 1])


@pytest.mark.parametrize("method", ALL)
def test_filters_have_the_taps_and_the_latency_of_the_responses(method):
    filters = design(3, method)
    assert filters.shape == (2, 16, 256)
    assert np.abs(np.abs(ears(filters, 0)).argmax(-1) - 64).max() < 4
    edges = (filters[..., :4] ** 2).sum() + (filters[..., -4:] ** 2).sum()
    assert edges < 1e-5 * (filters**2).sum()


def test_what_cannot_be_designed_is_told():
    with pytest.raises(ConfigError, match="2 directions are too few for the 9 filters"):
        hrtf_filters(Hrirs(*gauss_legendre_grid(1)[:2], np.zeros((2, 2, 4)), 1), 2)
    for wrong in (-5.0, np.nan, np.inf):
        with pytest.raises(ConfigError, match="crossover_hz is"):
            hrtf_filters(spherical_head(16000), 1, crossover_hz=wrong)
    with pytest.raises(ConfigError, match="kind is 'sharp', expected one of basic"):
        hrtf_filters(spherical_head(16000), 1, kind="sharp")
    with pytest.raises(ConfigError, match="method is 'mls', expected one of virtual"):
        hrtf_filters(spherical_head(16000), 1, "mls")
    with pytest.raises(ShapeError, match="filters has shape"):
        symmetric_filters(np.zeros((4, 20)))
    with pytest.raises(ShapeError, match="5 channels are no ambisonic"):
        symmetric_filters(np.zeros((2, 5, 20)))
    with pytest.raises(ShapeError, match=r"hrirs\.filters has shape \[9, 20\]"):
        hrtf_filters(Hrirs(*fibonacci_grid(9), np.zeros((9, 20)), RATE_HZ), 1)


def test_the_head_of_nobody_is_symmetric_and_cannot_be_changed():
    filters = spherical_head_filters(16000, 1)
    np.testing.assert_array_equal(filters[1], filters[0] * [[1], [-1], [1], [1]])
    with pytest.raises(ValueError, match="read-only"):
        filters[0, 0, 0] = 1
