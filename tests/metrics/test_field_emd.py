import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.ambisonics import spherical_harmonics
from spatialjax.errors import ShapeError
from spatialjax.losses import sinkhorn_emd_hat
from spatialjax.metrics import directional_emd, energy_emd
from spatialjax.metrics.field_emd import _energies, _published_nodes

PUBLISHED = {30: 0.12891, 60: 0.25223, 90: 0.35219, 180: 0.50447}


def sound(seed=0):
    """Noise of root mean square 1."""
    signal = np.random.default_rng(seed).normal(size=4800)
    return signal / np.sqrt((signal**2).mean())


def plane_wave(azimuth_deg, elevation_deg=0, order=1, signal=None):
    azimuth, elevation = np.deg2rad(azimuth_deg), np.deg2rad(elevation_deg)
    horizontal = np.cos(elevation)
    direction = np.array(
        [np.cos(azimuth) * horizontal, np.sin(azimuth) * horizontal, np.sin(elevation)]
    )
    signal = sound() if signal is None else signal
    return spherical_harmonics(direction, order)[:, None] * signal


def mono():
    return np.stack([sound(), *np.zeros((3, 4800))])


def test_b23_published_values_of_plane_waves():  # B 23
    estimates = np.stack([plane_wave(azimuth) for azimuth in PUBLISHED])
    targets = np.broadcast_to(plane_wave(0), estimates.shape)
    given = directional_emd(estimates, targets)
    np.testing.assert_allclose(given.plain, list(PUBLISHED.values()), atol=1e-5)
    shares = given.plain * 84 / 84.01
    np.testing.assert_allclose(given.normalised, shares, rtol=1e-7)
    swapped = directional_emd(targets, estimates)
    np.testing.assert_allclose(swapped.plain, given.plain, rtol=1e-7)


def test_b23_published_values_of_mono_and_of_half_the_level():  # B 23
    target = plane_wave(0)
    assert directional_emd(mono(), target).plain == pytest.approx(0.25223, abs=1e-5)
    half = directional_emd(0.5 * target, target)
    assert half.plain == pytest.approx(1.570796, abs=1e-6)
    assert half.normalised < 1e-3


def test_b23_sinkhorn_comes_within_five_per_cent_of_the_published_values():  # B 23
    fields = np.stack([*map(plane_wave, PUBLISHED), 0.5 * plane_wave(0), mono()])
    beams, distance_rad = _published_nodes(1)
    maps = jnp.asarray(np.sqrt(_energies(fields, beams)) / 84, jnp.float32)
    target = jnp.asarray(np.sqrt(_energies(plane_wave(0), beams)) / 84, jnp.float32)
    target = jnp.broadcast_to(target, maps.shape)
    given = jax.jit(sinkhorn_emd_hat)(
        maps, target, jnp.asarray(distance_rad, jnp.float32)
    )
    expected = [*PUBLISHED.values(), 1.570796, 0.25223]
    ratio = np.asarray(given) / expected
    assert ratio.min() > 0.97
    assert ratio.max() < 1 + 1e-4


def test_published_grid_has_twelve_nodes_at_each_pole():
    beams, distance_rad = _published_nodes(1)
    assert beams.shape == (84, 4)
    assert distance_rad.max() == pytest.approx(np.pi)
    at_poles = np.abs(beams[:, 2]) > 1 - 1e-12
    assert at_poles.sum() == 24
    assert (np.isclose(distance_rad, 0, atol=1e-7).sum(-1) == 1 + 11 * at_poles).all()
    energies = _energies(plane_wave(0, 0), beams)
    assert np.sqrt(energies).mean() == pytest.approx(1.0, abs=1e-12)  # spec 5.1


def test_all_distances_of_the_target_are_zero():  # B 22
    target = np.random.default_rng(1).normal(size=(3, 4, 480))
    assert not np.any(directional_emd(target, target))
    assert not energy_emd(target, target).value.any()
    assert energy_emd(target, target).weight.tolist() == [1, 1, 1]


def test_energy_distance_hears_directions_and_no_level():
    target = plane_wave(0)
    fields = np.stack([plane_wave(azimuth) for azimuth in (10, 45, 90, 135, 180)])
    given = energy_emd(fields, np.broadcast_to(target, fields.shape)).value
    assert (np.diff(given) > 0).all()
    louder = energy_emd(7 * plane_wave(90), target).value
    assert louder == pytest.approx(given[2], rel=1e-9)
    above = energy_emd(plane_wave(0, 90), target).value
    assert above == pytest.approx(given[2], rel=0.02)
    # Along the axis of two opposite max-rE beams: the integral of √3 / 2 · sin² γ.
    assert given[-1] == pytest.approx(3**0.5 * np.pi / 4, rel=2e-3)


def test_energy_distance_nears_the_angle_with_the_order():
    given = [
        energy_emd(plane_wave(60, 0, order), plane_wave(0, 0, order)).value
        for order in (1, 2, 3, 5)
    ]
    assert (np.diff(given) > 0).all()
    assert np.deg2rad(60) * 0.85 < given[-1] < np.deg2rad(60)


def test_energy_distance_of_two_sources_is_half_that_of_one_misplaced():
    pair = plane_wave(90, order=3) + plane_wave(-90, order=3, signal=sound(1))
    one = 2**0.5 * plane_wave(90, order=3)
    other = 2**0.5 * plane_wave(-90, order=3)
    whole = energy_emd(one, other).value
    assert energy_emd(pair, one).value == pytest.approx(whole / 2, rel=0.05)


def test_silence_is_defined():
    silence, target = np.zeros((4, 4800)), plane_wave(0)
    assert energy_emd(target, silence).weight == 0
    assert energy_emd(target, silence).value == 0
    unheard = energy_emd(silence, target)
    assert unheard.weight == 1
    assert unheard.value == pytest.approx(energy_emd(mono(), target).value, rel=1e-6)
    assert directional_emd(silence, silence).normalised == 0
    assert directional_emd(silence, target).plain == pytest.approx(np.pi)


def test_bad_shapes_are_refused():
    for distance in (directional_emd, energy_emd):
        with pytest.raises(ShapeError, match="target"):
            distance(np.zeros((2, 4, 50)), np.zeros((4, 50)))
        with pytest.raises(ShapeError, match="3 channels"):
            distance(np.zeros((3, 50)), np.zeros((3, 50)))
