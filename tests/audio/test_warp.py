import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.audio import (
    pool_log_frequency,
    unwarp_log_frequency,
    unwarp_positions,
    warp,
    warp_log_frequency,
    warp_positions,
)
from spatialjax.errors import ShapeError

INTERPOLATE = warp._interpolate
pytestmark = pytest.mark.usefixtures("strict_dtypes")


@pytest.fixture(params=["cpu", "tpu"], autouse=True)
def backend(request, monkeypatch):
    """Both ways to interpolate: rows picked, and a matrix as on a TPU."""
    if request.param == "tpu":
        monkeypatch.setattr(warp, "_interpolate", warp._by_matrix)


def test_a_matrix_is_taken_in_what_is_compiled_for_a_tpu():
    traced = INTERPOLATE.trace(jnp.zeros((40, 3)), 20, warp_positions)
    texts = [traced.lower(lowering_platforms=(p,)).as_text() for p in ("cpu", "tpu")]
    assert ["gather" in text for text in texts] == [True, False]
    assert ["dot_general" in text for text in texts] == [False, True]


def test_published_positions():
    rows = warp_positions(512, 256)
    np.testing.assert_allclose(rows[:4], [0, 0.3069, 0.6174, 0.9317], atol=5e-5)
    assert rows[-1] == pytest.approx(511)
    hertz = rows * 11025 / 1022
    np.testing.assert_allclose(hertz[[64, 128, 192]], [316, 995, 2453], atol=0.5)
    np.testing.assert_allclose(
        np.diff(rows)[[0, 99, 150, 200, 254]], [0.307, 1.0, 1.84, 3.34, 6.37], rtol=0.01
    )
    bins = unwarp_positions(256, 512)
    np.testing.assert_allclose(
        bins[:5], [0, 3.2156, 6.3124, 9.2987, 12.1822], atol=5e-5
    )
    assert bins[-1] == pytest.approx(255)
    assert np.diff(bins)[-1] == pytest.approx(0.156, abs=5e-4)


def grid_sample_rows(rows, grid):
    """Bilinear sampling of rows at [-1, 1], corners aligned, in float64."""
    place = (grid + 1) / 2 * (len(rows) - 1)
    lower = np.minimum(np.floor(place).astype(int), len(rows) - 2)
    weight = (place - lower)[:, None]
    return rows[lower] * (1 - weight) + rows[lower + 1] * weight


@pytest.mark.parametrize(("bins", "rows"), [(512, 256), (129, 40), (65, 65), (2, 2)])
def test_both_ways_equal_the_published_grids(bins, rows):
    rng = np.random.default_rng(0)
    magnitude, mask = rng.uniform(size=(bins, 7)), rng.uniform(size=(rows, 7))
    grid = (21 ** ((np.linspace(-1, 1, rows) + 1) / 2) - 11) / 10
    warped = warp_log_frequency(jnp.asarray(magnitude, jnp.float32), rows)
    assert warped.shape == (rows, 7)
    np.testing.assert_allclose(
        warped, grid_sample_rows(magnitude, grid), rtol=0, atol=1e-6
    )
    back = 2 * np.log(10 * np.linspace(-1, 1, bins) + 11) / np.log(21) - 1
    unwarped = unwarp_log_frequency(jnp.asarray(mask, jnp.float32), bins)
    assert unwarped.shape == (bins, 7)
    np.testing.assert_allclose(
        unwarped, grid_sample_rows(mask, back), rtol=0, atol=1e-6
    )


def test_a_ramp_becomes_the_positions():
    ramp = jnp.broadcast_to(jnp.arange(512.0)[:, None] / 511, (512, 3))
    warped = warp_log_frequency(ramp, 256)
    expected = np.repeat(warp_positions(512, 256)[:, None] / 511, 3, axis=1)
    np.testing.assert_allclose(warped, expected, rtol=0, atol=1e-6)


def test_smooth_masks_survive_the_way_there_and_back():
    mask = jnp.sin(jnp.linspace(0.0, 3.0, 512))[:, None]
    again = unwarp_log_frequency(warp_log_frequency(mask, 256), 512)
    np.testing.assert_allclose(again, mask, atol=2e-4)
    np.testing.assert_allclose(warp_log_frequency(jnp.ones((512, 1)), 256), 1.0, 1e-6)


def test_leading_axes_linearity_and_finite_gradient():
    first, second = jax.random.uniform(jax.random.key(0), (2, 2, 3, 33, 4))
    warped = warp_log_frequency(first, 20)
    assert warped.shape == (2, 3, 20, 4)
    np.testing.assert_allclose(
        warped[1, 2], warp_log_frequency(first[1, 2], 20), atol=1e-6
    )
    np.testing.assert_allclose(
        warp_log_frequency(2.0 * first - second, 20),
        2.0 * warped - warp_log_frequency(second, 20),
        atol=1e-5,
    )
    gradient = jax.jit(jax.grad(lambda x: warp_log_frequency(x, 20).sum()))(first)
    np.testing.assert_allclose(gradient.sum(), warped.size, rtol=1e-5)


def test_lowers_for_tpu():
    for change, size in ((warp_log_frequency, 256), (unwarp_log_frequency, 512)):
        traced = jax.jit(lambda x, f=change, n=size: f(x, n)).trace(
            jnp.zeros((768 - size, 8))
        )
        assert traced.lower(lowering_platforms=("tpu",)).as_text()


def test_a_single_row_is_no_axis():
    with pytest.raises(ShapeError, match="1 rows and 256"):
        warp_log_frequency(jnp.zeros((1, 5)), 256)
    with pytest.raises(ShapeError, match="mask"):
        unwarp_log_frequency(jnp.zeros(5), 256)


@pytest.mark.parametrize(("bins", "rows"), [(1025, 64), (129, 128), (2, 2)])
def test_pooled_rows_are_means_under_triangles(bins, rows):
    power = np.random.default_rng(0).uniform(size=(3, bins, 5))
    places = warp_positions(bins, rows)
    found = pool_log_frequency(jnp.asarray(power, jnp.float32), rows)
    for row in {0, 1, rows // 2, rows - 1}:
        below = places[row] - places[row - 1] if row else places[1]
        above = places[row + 1] - places[row] if row + 1 < rows else below
        weight = np.zeros(bins)
        for index in range(bins):
            side = below if index < places[row] else above
            distance = abs(index - places[row]) / max(side, 1)
            weight[index] = max(0, 1 - distance)
        expected = np.einsum("f,bfk->bk", weight / weight.sum(), power)
        np.testing.assert_allclose(found[:, row], expected, rtol=1e-5)


def test_pooled_rows_miss_no_bin():
    """A line anywhere shows; sampled rows of a coarse axis would jump over most."""
    lines = jnp.eye(1025, dtype=jnp.float32)[..., None]
    shown = pool_log_frequency(lines, 64)
    assert (np.asarray(shown).sum((1, 2)) > 0).all()
    assert (np.asarray(warp_log_frequency(lines, 64)).sum((1, 2)) == 0).mean() > 0.8
