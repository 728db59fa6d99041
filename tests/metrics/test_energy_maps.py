import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from spatialjax.ambisonics import equirect_grid, fibonacci_grid
from spatialjax.errors import ShapeError
from spatialjax.metrics import map_auc, map_correlation

pytestmark = pytest.mark.usefixtures("strict_dtypes")
correlation, auc = jax.jit(map_correlation), jax.jit(map_auc)
GRID = fibonacci_grid(500)
AREA = jnp.asarray(GRID.weight, jnp.float32)


def cardioid(grid, azimuth_deg, elevation_deg=0):
    azimuth, elevation = np.deg2rad(azimuth_deg), np.deg2rad(elevation_deg)
    horizontal = np.cos(elevation)
    axis = [
        np.cos(azimuth) * horizontal,
        np.sin(azimuth) * horizontal,
        np.sin(elevation),
    ]
    return np.float32(1 + grid.direction @ axis)


def random_maps(*shape, seed=0):
    return np.random.default_rng(seed).exponential(size=shape).astype(np.float32)


def judd(estimate, target, area):
    """The curve through Judd's thresholds, float64, points counted by area."""
    wanted = target > target.max() - np.sqrt(np.cov(target, aweights=area, ddof=0))
    points = [(0.0, 0.0)]
    for threshold in np.sort(estimate[wanted])[::-1]:
        above = estimate >= threshold
        points.append(
            tuple(
                (area * above * of).sum() / (area * of).sum()
                for of in (~wanted, wanted)
            )
        )
    return np.trapezoid(*np.array([*points, (1.0, 1.0)]).T[::-1])


def test_correlation_equals_numpys():
    area = np.random.default_rng(2).integers(1, 5, 500)
    estimate, target = random_maps(2, 3, 500), random_maps(2, 3, 500, seed=1)
    given = correlation(*map(jnp.asarray, (estimate, target, np.float32(area))))
    assert given.value.shape == (2, 3)
    expected = [
        [
            np.corrcoef(np.repeat(pair, area, -1))[0, 1]
            for pair in zip(*rows, strict=True)
        ]
        for rows in zip(estimate, target, strict=True)
    ]
    np.testing.assert_allclose(given.value, expected, atol=1e-5)
    assert (given.weight == 1).all()


@pytest.mark.parametrize(
    "grid", [fibonacci_grid(2000), equirect_grid(24, 48)], ids=["even", "equirect"]
)
def test_correlation_of_cardioids_is_the_cosine_of_their_angle(grid):
    places = [(0, 0), (60, 0), (90, 0), (0, 45), (180, 0)]
    maps = jnp.asarray(np.stack([cardioid(grid, *place) for place in places]))
    target = jnp.broadcast_to(maps[:1], maps.shape)
    given = correlation(maps, target, jnp.asarray(grid.weight, jnp.float32))
    np.testing.assert_allclose(given.value, [1, 0.5, 0, 0.5**0.5, -1], atol=2e-3)


def test_area_under_the_curve_equals_sklearns():
    area = random_maps(500, seed=2) + 0.1
    estimate, target = random_maps(3, 500), random_maps(3, 500, seed=1) ** 0.25
    estimate[1] = np.round(estimate[1])
    given = auc(*map(jnp.asarray, (estimate, target, area)))
    for k in range(3):
        deviation = np.sqrt(np.cov(target[k], aweights=area, ddof=0))
        wanted = target[k] > target[k].max() - deviation
        expected = roc_auc_score(wanted, estimate[k], sample_weight=area)
        assert given.value[k] == pytest.approx(expected, abs=1e-5)
    assert (given.weight == 1).all()


def test_judds_thresholds_give_nearly_the_same():
    estimate = cardioid(GRID, 40) + 0.3 * random_maps(500)
    target = cardioid(GRID, 0)
    given = auc(jnp.asarray(estimate), jnp.asarray(target), AREA).value
    expected = judd(estimate, target, GRID.weight)
    assert 0.6 < expected < 0.95
    assert given == pytest.approx(expected, abs=0.005)


def test_best_and_worst_and_flat():  # B 22
    target = jnp.asarray(cardioid(GRID, 20, 50))
    for measure, best, worst, flat in ((correlation, 1, -1, 0), (auc, 1, 0, 0.5)):
        assert measure(target, target, AREA).value == pytest.approx(best, abs=1e-5)
        mirrored = measure(2 - target, target, AREA)
        assert mirrored.value == pytest.approx(worst, abs=1e-5)
        for estimate in (0 * target, 0 * target + 0.7):
            assert measure(estimate, target, AREA).value == flat
            assert measure(estimate, target, AREA).weight == 1
            assert measure(target, estimate, AREA).value == flat
            assert measure(target, estimate, AREA).weight == 0


def test_rounding_gives_a_flat_map_no_shape():
    target = jnp.asarray(cardioid(GRID, 0))
    flat = 1 + 1e-7 * jnp.asarray(random_maps(500))
    assert correlation(flat, target, AREA).value == 0
    assert auc(flat, target, AREA).value == 0.5
    assert auc(target, flat, AREA).weight == 0


@pytest.mark.parametrize("level", [1e-20, 1e-3, 1e15])
def test_the_level_of_a_map_does_not_count(level):
    estimate, target = random_maps(500), cardioid(GRID, 0)
    for measure in (correlation, auc):
        plain = measure(jnp.asarray(estimate), jnp.asarray(target), AREA).value
        scaled = measure(
            jnp.asarray(np.float32(level) * estimate),
            jnp.asarray(np.float32(level) * target),
            AREA,
        )
        assert scaled.weight == 1
        np.testing.assert_allclose(scaled.value, plain, atol=1e-5)


@pytest.mark.parametrize("platform", ["tpu", "cuda"])
def test_lowers_for_accelerators(platform):
    traced = auc.trace(jnp.zeros((8, 500)), jnp.zeros((8, 500)), AREA)
    assert traced.lower(lowering_platforms=(platform,)).as_text()


def test_bad_shapes_are_refused():
    for measure in (map_correlation, map_auc):
        with pytest.raises(ShapeError, match="target_map"):
            measure(jnp.zeros((2, 500)), jnp.zeros(500), AREA)
        with pytest.raises(ShapeError, match="area"):
            measure(jnp.zeros(400), jnp.zeros(400), AREA)
