import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax import losses
from spatialjax.ambisonics import spherical_harmonics
from spatialjax.errors import ShapeError

pytestmark = pytest.mark.usefixtures("strict_dtypes")
energy_map_loss = jax.jit(losses.energy_map_loss, static_argnames="num_points")
intensity_loss = jax.jit(losses.intensity_loss)
LOSSES = [energy_map_loss, intensity_loss]
GRADIENTS = [jax.jit(jax.value_and_grad(loss, (0, 1))) for loss in LOSSES]


def plane_wave(azimuth_deg, order=1, level=0.1, seed=0):
    azimuth = np.deg2rad(azimuth_deg)
    direction = np.array([np.cos(azimuth), np.sin(azimuth), 0])
    signal = level * np.random.default_rng(seed).normal(size=480)
    return np.float32(spherical_harmonics(direction, order)[:, None] * signal)


def divergence_by_definition(estimate, target, num_points):
    """Float64: the beam signals towards a golden spiral, then two Kullback-Leiblers."""
    point = np.arange(num_points) + 0.5
    height, azimuth = 1 - 2 * point / num_points, (point - 0.5) * np.pi * (3 - 5**0.5)
    radius = np.sqrt(1 - height**2)
    axes = np.stack([radius * np.sin(azimuth), height, radius * np.cos(azimuth)], -1)
    shares = []
    for field in (estimate, target):
        beams = (field[0] + 3**0.5 * axes @ field[1:]) / (1 + 3**0.5)
        energy = (beams.astype(np.float64) ** 2).mean(-1) + 1e-8
        shares.append(energy / energy.sum())
    middle = (shares[0] + shares[1]) / 2
    return sum((s * np.log(s / middle)).sum() for s in shares) / 2


def test_map_divergence_equals_its_definition():
    estimate, target = plane_wave(20), plane_wave(140, seed=1) + plane_wave(-90)
    given = energy_map_loss(jnp.asarray(estimate), jnp.asarray(target), num_points=50)
    expected = divergence_by_definition(estimate, target, 50)
    assert given == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("order", [1, 3])
def test_losses_grow_with_the_angle(order):
    fields = np.stack([plane_wave(angle, order) for angle in (0, 10, 40, 90, 180)])
    target = jnp.broadcast_to(jnp.asarray(fields[0]), fields.shape)
    for loss in LOSSES:
        given = loss(jnp.asarray(fields), target)
        assert given.shape == (5,)
        assert given[0] == pytest.approx(0, abs=1e-6)
        assert (np.diff(given) > 0).all()
    assert (energy_map_loss(jnp.asarray(fields), target) < np.log(2)).all()


def test_intensity_loss_of_plane_waves_mono_and_silence():
    target = jnp.asarray(plane_wave(0))
    mono = target * jnp.asarray([[1.0], [0], [0], [0]])
    opposite = jnp.asarray(plane_wave(180))
    assert intensity_loss(opposite, target) == pytest.approx(4, rel=1e-4)
    assert intensity_loss(mono, target) == pytest.approx(1, rel=1e-4)
    assert intensity_loss(0 * target, target) == pytest.approx(1, rel=1e-4)
    third = jnp.asarray(plane_wave(60))
    assert intensity_loss(third, target) == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_level_does_not_count(loss):
    estimate, target = jnp.asarray(plane_wave(30)), jnp.asarray(plane_wave(80, seed=1))
    np.testing.assert_allclose(
        loss(5 * estimate, 0.3 * target), loss(estimate, target), rtol=1e-3
    )


@pytest.mark.parametrize("levels", [(0, 0), (0, 1), (1, 0), (1, 1), (1e-18, 1e-18)])
@pytest.mark.parametrize("value_and_gradients", GRADIENTS)
def test_values_and_gradients_are_finite(value_and_gradients, levels):
    fields = [jnp.asarray(np.float32(g) * plane_wave(30)) for g in levels]
    value, gradients = value_and_gradients(*fields)
    assert np.isfinite(value)
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    if levels == (0, 0):
        assert value == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_descent_finds_the_direction(loss):
    signal = jnp.asarray(plane_wave(0)[:1])
    target = jnp.asarray(plane_wave(100))

    def of_gains(gains):
        return loss(jnp.concatenate([signal, gains[:, None] * signal]), target)

    gains = jnp.asarray([0.1, 0.0, 0.9])
    descend = jax.jit(lambda g: g - 0.3 * jax.grad(of_gains)(g))
    for _ in range(150):
        gains = descend(gains)
    azimuth_deg = np.rad2deg(np.arctan2(gains[0], gains[2]))
    assert azimuth_deg == pytest.approx(100, abs=5)


def test_bad_shapes_are_refused():
    for loss in LOSSES:
        with pytest.raises(ShapeError, match="target"):
            loss(jnp.zeros((2, 4, 50)), jnp.zeros((4, 50)))
        with pytest.raises(ShapeError, match="3 channels"):
            loss(jnp.zeros((3, 50)), jnp.zeros((3, 50)))
