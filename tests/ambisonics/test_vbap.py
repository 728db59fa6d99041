import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.ambisonics import (
    Layout,
    angles_to_direction,
    fibonacci_grid,
    vbap_gains,
)
from spatialjax.errors import ConfigError, ShapeError

SOURCES = fibonacci_grid(1000).direction
SURROUND = [Layout.SURROUND_5_1, Layout.SURROUND_5_1_4, Layout.SURROUND_7_1_4]


def ring(azimuth_deg, elevation_deg=0.0):
    azimuth_rad = np.deg2rad(np.asarray(azimuth_deg, float))
    return angles_to_direction(azimuth_rad, np.deg2rad(elevation_deg))


def test_gains_of_an_octahedron_are_the_coordinates_of_the_source():
    front_left_right_back_top_down = np.maximum(
        SOURCES @ Layout.OCTAHEDRON.directions.T, 0
    )
    gains = vbap_gains(SOURCES, Layout.OCTAHEDRON.directions)
    np.testing.assert_allclose(gains, front_left_right_back_top_down, atol=1e-14)


@pytest.mark.parametrize("pair_deg", [(30, -30), (110, 30), (-110, -250)])
def test_pairs_keep_the_law_of_tangents(pair_deg):
    # (g1 - g2) / (g1 + g2) = tan(angle from the middle) / tan(half the gap)
    pair = [azimuth % 360 for azimuth in pair_deg]
    middle, half = np.mean(pair_deg), (pair_deg[0] - pair_deg[1]) / 2
    angle = np.linspace(-half, half, 9)
    others = [azimuth for azimuth in (30, -30, 110, -110) if azimuth % 360 not in pair]
    gains = vbap_gains(ring(middle + angle), ring([*pair_deg, *others]))
    first, second = gains[:, :2].T
    np.testing.assert_allclose(gains[:, 2:], 0, atol=1e-12)
    expected = np.tan(np.deg2rad(angle)) / np.tan(np.deg2rad(half))
    np.testing.assert_allclose(
        (first - second) / (first + second), expected, atol=1e-12
    )


@pytest.mark.parametrize("layout", Layout)
def test_a_speaker_plays_its_own_direction_alone(layout):
    gains = vbap_gains(layout.directions, layout.directions)
    np.testing.assert_allclose(gains, np.eye(len(gains)), atol=1e-12)


@pytest.mark.parametrize("layout", Layout)
def test_no_direction_is_silent_and_none_louder(layout):
    gains = vbap_gains(SOURCES, layout.directions)
    assert gains.min() >= 0
    np.testing.assert_allclose((gains**2).sum(1), 1, rtol=1e-12)


@pytest.mark.parametrize("layout", Layout)
def test_mirrored_sources_have_mirrored_gains(layout):
    speakers = layout.directions
    mirrored = speakers * [1, -1, 1]
    partner = np.linalg.norm(speakers[:, None] - mirrored[None], axis=-1).argmin(1)
    np.testing.assert_allclose(
        vbap_gains(SOURCES * [1, -1, 1], speakers)[:, partner],
        vbap_gains(SOURCES, speakers),
        atol=1e-12,
    )


@pytest.mark.parametrize("layout", SURROUND)
def test_gains_move_without_a_jump(layout):
    step_rad = np.deg2rad(0.1)
    azimuth_rad = np.arange(0, 2 * np.pi, step_rad)
    for elevation in np.linspace(-1.5, 1.5, 13):
        path = angles_to_direction(azimuth_rad, np.array(elevation))
        gains = vbap_gains(path, layout.directions)
        jump = np.abs(gains - np.roll(gains, 1, axis=0)).max()
        assert jump < 4 * step_rad


def test_three_speakers_around_a_source_point_at_it():
    layout = Layout.SURROUND_7_1_4
    sources = ring([0, 5, -20, 40, 65], [10, 20, 8, 15, 12])
    gains = vbap_gains(sources, layout.directions)
    assert ((gains > 1e-9).sum(1) <= 3).all()
    vector = gains @ layout.directions
    vector /= np.linalg.norm(vector, axis=1, keepdims=True)
    np.testing.assert_allclose(vector, sources, atol=1e-12)


def test_what_a_hole_gets_goes_to_the_speakers_around_it():
    gains = vbap_gains(np.array([[0.0, 0, -1], [0, 0, 1]]), ring([45, -45, 135, -135]))
    np.testing.assert_allclose(gains, 0.5, rtol=1e-12)
    cube = Layout.CUBE.directions
    front = vbap_gains(np.array([1.0, 0, 0]), cube)
    np.testing.assert_allclose(front, (cube[:, 0] > 0) / 2, atol=1e-12)


@pytest.mark.parametrize(
    "speakers",
    [ring([90, -90]), ring([0, 120, 240], 60), ring([0, 10]), ring([0, 20, 40], -10)],
)
def test_odd_layouts_are_panned_on(speakers):
    gains = vbap_gains(SOURCES, speakers)
    assert gains.min() >= 0
    np.testing.assert_allclose((gains**2).sum(1), 1, rtol=1e-12)
    np.testing.assert_allclose(
        vbap_gains(speakers, speakers), np.eye(len(speakers)), atol=1e-12
    )


def test_traced_gains_are_those_of_the_host():
    speakers = Layout.SURROUND_7_1_4.directions
    sources = SOURCES.reshape(10, 100, 3)
    traced = jax.jit(lambda source: vbap_gains(source, speakers))(jnp.asarray(sources))
    assert traced.dtype == jnp.float32
    np.testing.assert_allclose(traced, vbap_gains(sources, speakers), atol=2e-6)


def test_what_cannot_be_panned_is_told():
    with pytest.raises(ConfigError, match="1 loudspeakers cannot"):
        vbap_gains(SOURCES, ring([0]))
    with pytest.raises(ConfigError, match="same direction"):
        vbap_gains(SOURCES, ring([0, 90, 360]))
    with pytest.raises(ShapeError, match="speakers"):
        vbap_gains(SOURCES, np.eye(2))
