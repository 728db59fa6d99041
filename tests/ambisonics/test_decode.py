import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import eval_legendre, roots_legendre

from spatialjax.ambisonics.decode import (
    DecoderKind,
    DecoderScale,
    decode,
    decoder_gains,
    max_re,
    plane_wave_decoder,
)
from spatialjax.ambisonics.grids import gauss_legendre_grid
from spatialjax.ambisonics.harmonics import spherical_harmonics
from spatialjax.errors import ConfigError, ShapeError
from tests.ambisonics.fields import plane_waves, random_directions, random_field

pytestmark = pytest.mark.usefixtures("strict_dtypes")
MAX_RE_TABLE = {  # order: r_E and the weights of the degrees above 0
    1: (0.577350, [0.577350]),
    2: (0.774597, [0.774597, 0.400000]),
    3: (0.861136, [0.861136, 0.612334, 0.304747]),
    4: (0.906180, [0.906180, 0.731743, 0.501031, 0.245735]),
}


def beam(gains, cosine):
    """Gain of a plane wave at an angle from the beam, float64."""
    return sum(gain * eval_legendre(n, cosine) for n, gain in enumerate(gains))


def energy_vector_length(gains):
    cosine, weight = roots_legendre(40)
    squares = weight * beam(gains, cosine) ** 2
    return (squares * cosine).sum() / squares.sum()


@pytest.mark.parametrize("order", list(MAX_RE_TABLE))
def test_b8_max_re_weights_equal_the_table(order):
    length, weights = MAX_RE_TABLE[order]
    assert max_re(order) == pytest.approx(length, abs=1e-6)
    found = decoder_gains(order, DecoderKind.MAX_RE, with_multiplicity=False)
    np.testing.assert_allclose(found, [1, *weights], atol=1e-6)
    # Zotter and Frank's closed form is close to the root.
    assert max_re(order) == pytest.approx(
        math.cos(math.radians(137.9 / (order + 1.51))), abs=3e-3
    )


@pytest.mark.parametrize("order", [1, 2, 3, 4, 7])
def test_b8_energy_vectors_have_the_lengths_of_the_table(order):
    found = energy_vector_length(decoder_gains(order, DecoderKind.MAX_RE))
    assert found == pytest.approx(max_re(order), abs=1e-8)
    if order in MAX_RE_TABLE:
        assert found == pytest.approx(MAX_RE_TABLE[order][0], abs=1e-6)
    found = energy_vector_length(decoder_gains(order, DecoderKind.BASIC))
    assert found == pytest.approx(order / (order + 1), abs=1e-8)


def test_no_other_weights_have_a_longer_energy_vector():
    best = decoder_gains(3, DecoderKind.MAX_RE)
    rng = np.random.default_rng(0)
    for _ in range(20):
        other = best + 0.1 * rng.normal(size=4)
        assert energy_vector_length(other) < max_re(3)


@pytest.mark.parametrize("order", [1, 2, 3, 6])
def test_in_phase_beams_are_powers_of_the_cardioid(order):
    gains = decoder_gains(order, DecoderKind.IN_PHASE)
    cosine = np.linspace(-1, 1, 50)
    expected = gains.sum() * ((1 + cosine) / 2) ** order
    np.testing.assert_allclose(beam(gains, cosine), expected, atol=1e-12 * gains.sum())
    factorial = math.factorial
    for n in range(order + 1):
        weight = factorial(order) * factorial(order + 1)
        weight /= factorial(order + n + 1) * factorial(order - n)
        assert gains[n] == pytest.approx((2 * n + 1) * weight)


def test_legacy_gains_are_all_one_and_in_phase_at_order_one():
    np.testing.assert_array_equal(decoder_gains(3, DecoderKind.LEGACY), np.ones(4))
    np.testing.assert_allclose(
        decoder_gains(1, DecoderKind.LEGACY), decoder_gains(1, DecoderKind.IN_PHASE)
    )


@pytest.mark.parametrize("kind", list(DecoderKind))
def test_gains_are_weights_times_the_number_of_channels(kind):
    weights = decoder_gains(3, kind, with_multiplicity=False)
    assert weights.dtype == np.float64
    assert weights[0] == 1
    np.testing.assert_allclose(decoder_gains(3, kind), weights * [1, 3, 5, 7])
    np.testing.assert_array_equal(decoder_gains(0, kind), [1])


@pytest.mark.parametrize("kind", list(DecoderKind))
@pytest.mark.parametrize("order", [0, 1, 3])
def test_a_decoder_is_a_beam_in_each_direction(order, kind):
    direction = random_directions(12)
    decoder = plane_wave_decoder(direction, order, kind, DecoderScale.NONE)
    assert decoder.dtype == np.float64
    found = decoder @ spherical_harmonics(direction, order).T
    expected = beam(decoder_gains(order, kind), np.clip(direction @ direction.T, -1, 1))
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("kind", list(DecoderKind))
def test_scales_make_amplitude_or_energy_one(kind):
    grid = gauss_legendre_grid(6)
    waves = spherical_harmonics(grid.direction, 3)
    target = random_directions(1)
    amplitude = plane_wave_decoder(target, 3, kind, DecoderScale.AMPLITUDE)
    on_axis = amplitude @ spherical_harmonics(target, 3).T
    np.testing.assert_allclose(on_axis, 1, rtol=1e-12)
    energy = plane_wave_decoder(target, 3, kind, DecoderScale.ENERGY)
    mean = (grid.weight * (waves @ energy[0]) ** 2).sum() / (4 * math.pi)
    assert mean == pytest.approx(1, rel=1e-12)
    raw = plane_wave_decoder(target, 3, kind, DecoderScale.NONE)
    np.testing.assert_allclose(raw[0, 0], 1)


def test_a_decoder_of_traced_directions_steers_a_beam():
    direction = jnp.float32(random_directions(2))
    signal = random_field(0)[0]
    field = plane_waves(signal, direction[0], 3)

    on_host = plane_wave_decoder(np.float64(direction), 3)
    steered = jax.jit(plane_wave_decoder, static_argnums=1)(direction, 3)
    assert steered.dtype == jnp.float32
    np.testing.assert_allclose(steered, on_host, atol=1e-6)

    def loudness(direction):
        return jnp.square(decode(field, plane_wave_decoder(direction[None], 3))).mean()

    source = np.asarray(direction[0])
    near = source + 0.3 * np.asarray(direction[1])
    near /= np.linalg.norm(near)
    gradient = jax.jit(jax.grad(loudness))(near)
    # It leads along the sphere towards the source.
    assert gradient @ (source - near * (near @ source)) > 0


def test_decoding_is_the_product_of_each_sample_with_the_decoder():
    field, decoder = random_field(2, 3, 2), plane_wave_decoder(random_directions(7), 2)
    found = jax.jit(decode)(field, decoder)
    assert found.dtype == jnp.float32
    assert found.shape == (3, 2, 7, 16)
    np.testing.assert_allclose(found, decoder @ np.float64(field), atol=1e-5)


def test_wrong_shapes_and_orders_are_refused():
    with pytest.raises(ShapeError, match="c=4"):
        decode(random_field(1), np.zeros((5, 9)))
    with pytest.raises(ConfigError, match="scale is 'power', expected one of"):
        plane_wave_decoder(np.eye(3), 1, scale="power")
    with pytest.raises(ConfigError, match="order is -1"):
        decoder_gains(-1, DecoderKind.BASIC)
