"""Maps and colours against the formulae, in float64 and pixel by pixel."""

import matplotlib
import numpy as np
import pytest
from PIL import Image

from spatialjax.reports.energy_looks import PublishedLook, UniformLook

RATE_HZ = 1000
SIZE = (160, 320)


def field(order, num_samples):
    rng = np.random.default_rng(order)
    return rng.normal(size=((order + 1) ** 2, num_samples)).astype(np.float32)


def grey(level=100, size=SIZE):
    return Image.new("RGB", size[::-1], (level,) * 3)


def pixel_angles_deg(height, width):
    elevation = 90 - 180 * (np.arange(height) + 0.5) / height
    return elevation, 180 - 360 * (np.arange(width) + 0.5) / width


def published_map(window):
    """RMS of W + Y y + Z z + X x in each direction, normalised."""
    azimuth = np.radians(175 - 5.0 * np.arange(72))
    elevation = np.radians(90 - 5.0 * np.arange(37))[:, None]
    y, x = np.sin(azimuth) * np.cos(elevation), np.cos(azimuth) * np.cos(elevation)
    z = np.sin(elevation) + 0 * azimuth
    harmonics = np.stack([np.ones_like(x), y, z, x], -1)
    rms = np.sqrt(np.mean((harmonics @ window.astype(float)) ** 2, -1))
    return (rms - rms.min()) / (rms.max() - rms.min() + 0.005)


@pytest.mark.parametrize("order", [1, 2])
def test_published_maps_follow_the_formula(order):
    samples = field(order, 5 * 500 + 100) * 0.01
    chunks = np.split(samples, [10, 1200], axis=1)
    maps = list(PublishedLook(RATE_HZ).maps(chunks))
    assert len(maps) == 6
    for number in range(5):
        window = samples[:4, number * 500 : (number + 1) * 500]
        np.testing.assert_allclose(maps[number], published_map(window), atol=1e-4)


def test_published_colours_lie_where_their_directions_are():
    """Colour and opacity of the cells, bilinear between their directions."""
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 1, (37, 72))
    values[[0, -1]] = values[[0, -1], :1]  # a pole is one direction
    shown = np.maximum(0, 2 * values - 0.7)
    palette = matplotlib.colormaps["YlOrRd"](np.arange(256))[:, :3] * 255
    colour = palette[np.clip(255 * shown, 0, 255).astype(int)]
    elevation, azimuth = pixel_angles_deg(*SIZE)
    row, column = (90 - elevation) / 5, (175 - azimuth) / 5
    low, left = np.floor(row).astype(int), np.floor(column).astype(int)
    down, right = (row - low)[:, None, None], (column - left)[None, :, None]

    def bilinear(cells):
        top, bottom = (
            cells[r][:, left % 72] * (1 - right) + cells[r][:, (left + 1) % 72] * right
            for r in (low, low + 1)
        )
        return top * (1 - down) + bottom * down

    opacity = bilinear(0.6 * shown[..., None])
    expected = bilinear(colour) * opacity + 100 * (1 - opacity)
    found = np.asarray(PublishedLook(RATE_HZ).draw(grey(), values), float)
    assert opacity.max() > 0.75
    np.testing.assert_allclose(found, expected, atol=2.5)


@pytest.mark.parametrize("order", [1, 3])
def test_uniform_maps_are_smoothed_beams(order):
    """A step from one field to another fades with the time constant."""
    hop, fades = 50, np.exp(-0.05 / 0.1)
    samples = field(order, 80 * hop)
    samples[:, 40 * hop :] *= 0.1
    look = UniformLook(RATE_HZ, order, 0.1)
    maps = np.array(list(look.maps([samples])))
    assert maps.shape == (80, 45, 90)
    expected = None
    for number, frame in enumerate(np.split(samples.astype(float), 80, axis=1)):
        covariance = frame @ frame.T / hop
        if expected is None:
            expected = covariance
        expected = fades * expected + (1 - fades) * covariance
        beams = np.asarray(look._decoder)
        energy = np.einsum("qc,cd,qd->q", beams, expected, beams).reshape(45, 90)
        np.testing.assert_allclose(maps[number], energy, rtol=2e-4, atol=1e-6)


def opacities(look, energy, size=SIZE):
    """How much of black and white is hidden."""
    black, white = (np.asarray(look.draw(grey(v, size), energy)) for v in (0, 255))
    return 1 - (white.astype(float) - black).mean(-1) / 255


def test_uniform_opacity_rises_with_the_level():
    look = UniformLook(RATE_HZ, 1, loudest=0.5)
    levels_db = [0, -5, -10, -19, -20, -60]
    hidden = [
        opacities(look, np.full((45, 90), 0.5 * 10 ** (d / 10))) for d in levels_db
    ]
    means = [h.mean() for h in hidden]
    assert means[0] == pytest.approx(look.OPACITY, abs=0.01)
    assert np.all(np.diff(means[:5]) < -0.05)
    assert hidden[4].max() == hidden[5].max() == 0
    assert opacities(UniformLook(RATE_HZ, 1, loudest=0), np.zeros((45, 90))).max() == 0


def test_uniform_colours_tell_the_level():
    look = UniformLook(RATE_HZ, 1, loudest=0.5)
    palette = matplotlib.colormaps["plasma"](np.arange(256))[:, :3] * 255
    for level_db, index in ((0, 255), (-10, 128)):
        drawn = look.draw(grey(0), np.full((45, 90), 0.5 * 10 ** (level_db / 10)))
        opacity = look.OPACITY * np.sqrt(index / 255)
        np.testing.assert_allclose(
            drawn, np.broadcast_to(palette[index] * opacity, (*SIZE, 3)), atol=2
        )


def test_uniform_cells_lie_on_their_pixels_all_round():
    energy = np.full((45, 90), 1e-6)
    energy[10, 0] = energy[30, 60] = 1
    hidden = opacities(UniformLook(RATE_HZ, 1), energy, (45 * 4, 90 * 4))
    for row, column in ((10, 0), (30, 60)):
        rows, columns = 4 * row + np.arange(4), 4 * column + np.arange(-4, 8)
        profile = hidden[np.ix_(rows, columns % 360)].mean(0)
        assert profile[4:8].min() > 0.3
        np.testing.assert_allclose(profile, profile[::-1], atol=0.01)
        assert profile[2] > 0.03 > profile[1] == 0
