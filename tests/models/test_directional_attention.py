import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.ambisonics import (
    angles_to_direction,
    pixel_to_angles,
    spherical_harmonics,
)
from spatialjax.models import DirectionalAttention, DirectionalAttentionSpec
from spatialjax.models.directional_attention import (
    attend,
    energy_shares,
    rows_of,
    spectral_profile,
)
from spatialjax.nn import EVAL, Functional, Mode

SPEC = DirectionalAttentionSpec(
    num_rows=32,
    sound_downs=3,
    sound_width=4,
    picture_strided=(6, 8),
    picture_kept=(8,),
    num_features=6,
    profile_width=5,
)
NET = Functional(DirectionalAttention, SPEC)
TIMES_S = jnp.array([[-0.25, 0.0, 0.25]] * 2)
FRAMES_S = jnp.linspace(-0.4, 0.4, 16)


@pytest.fixture(scope="module")
def variables():
    params, state = NET.init(jax.random.key(0))
    # Far from the nearly uniform attention that a new network has.
    asked = {**params["profile"]["asked"]}
    asked["kernel"] = 20 * asked["kernel"]
    return {**params, "profile": {**params["profile"], "asked": asked}}, state


@pytest.fixture(scope="module")
def inputs():
    rng = np.random.default_rng(1)
    magnitude = rng.random((2, 65, 16)).astype(np.float32)
    pictures = rng.normal(size=(2, 3, 16, 32, 3)).astype(np.float32)
    return jnp.asarray(magnitude), jnp.asarray(pictures)


def field(variables, magnitude, pictures, net=NET):
    apply = jax.jit(lambda *args: net.apply(*variables, *args, EVAL)[0])
    return apply(magnitude, pictures, TIMES_S, FRAMES_S)


def test_shapes(variables, inputs):
    found = field(variables, *inputs)
    assert found.gain.shape == (2, 3, 65, 16)
    assert found.attention.shape == (2, 4, 8)
    assert found.bins.share.shape == (2, 16, 32, 4, 8)
    assert found.offset is None


def test_a_rolled_picture_gives_the_turned_field(variables, inputs):
    """4 columns of 32, the stride of the map, are an eighth of a turn."""
    magnitude, pictures = inputs
    plain = field(variables, magnitude, pictures).gain
    rolled = field(variables, magnitude, jnp.roll(pictures, -4, axis=3)).gain
    y, z, x = jnp.moveaxis(plain, 1, 0)
    turned = jnp.stack([(y + x) / np.sqrt(2), z, (x - y) / np.sqrt(2)], 1)
    np.testing.assert_allclose(rolled, turned, atol=2e-6)
    assert np.abs(rolled - plain).max() > 0.01


def test_the_pictures_of_a_time_count_at_that_time(variables, inputs):
    magnitude, pictures = inputs
    other = pictures.at[:, 2].set(pictures[:, 2, :, ::-1])
    plain, changed = (field(variables, magnitude, p).gain for p in (pictures, other))
    before = np.asarray(FRAMES_S) <= 0
    np.testing.assert_allclose(changed[..., before], plain[..., before], atol=1e-6)
    assert np.abs(changed - plain)[..., ~before].max() > 0.01


def test_attention_on_one_place_is_a_plane_wave_from_there(variables):
    attention = np.zeros((1, 3, 2, 4, 8), np.float32)
    attention[0, 2, 1, 1, 6] = 1
    gains, _ = NET.apply(*variables, jnp.asarray(attention), method="encode")
    direction = angles_to_direction(*pixel_to_angles(1.0, 6.0, 4, 8))
    expected = spherical_harmonics(direction, 1)[1:]
    np.testing.assert_allclose(gains[0, :, 1, 2], expected, atol=1e-6)
    np.testing.assert_array_equal(gains[0, :, 0], 0)


class TestAttend:
    def bins(self, seed=0):
        rng = np.random.default_rng(seed)
        query = 3 * rng.normal(size=(1, 5, 2, 6))
        places = rng.normal(size=(1, 4, 8, 6, 2))
        return query, rng.normal(size=(1, 5, 2)), places

    def run(self, *arrays):
        found = attend(*(jnp.asarray(a, jnp.float32) for a in arrays)).share
        return np.asarray(jnp.swapaxes(found, 1, 2))

    def test_against_its_definition(self):
        query, nowhere, places = self.bins()
        found = self.run(query, nowhere, places)
        rows = np.pi / 2 - np.pi * np.arange(5) / 4
        area = (np.sin(rows[:-1]) - np.sin(rows[1:])) / 16
        for i, k in np.ndindex(5, 2):
            logits = np.einsum("d,hwd->hw", query[0, i, k], places[0, ..., k]) / 6**0.5
            share = area[:, None] * np.exp(logits)
            expected = share / (share.sum() + np.exp(nowhere[0, i, k]))
            np.testing.assert_allclose(found[0, i, k], expected, atol=1e-5)

    def test_may_look_nowhere(self):
        query, nowhere, places = self.bins()
        assert 0.5 < self.run(query, nowhere - 50, places).sum((-2, -1)).min() < 1.01
        np.testing.assert_allclose(self.run(query, nowhere + 50, places), 0, atol=1e-6)

    def test_looks_evenly_over_the_area_where_nothing_is_told(self):
        _, nowhere, places = self.bins()
        found = self.run(np.zeros((1, 5, 2, 6)), 0 * nowhere, places)[0, 0, 0]
        assert found.sum() == pytest.approx(0.5, abs=1e-5)
        rows = np.pi / 2 - np.pi * np.arange(5) / 4
        area = (np.sin(rows[:-1]) - np.sin(rows[1:]))[:, None] / 32
        np.testing.assert_allclose(found, np.broadcast_to(area, (4, 8)), rtol=1e-4)


def test_rows_of_noise_have_its_level(inputs):
    """However many bins a row covers."""
    rng = np.random.default_rng(0)
    noise = np.hypot(*rng.normal(size=(2, 1, 1025, 400))).astype(np.float32)
    rows = rows_of(jnp.asarray(noise), 32)
    level = np.sqrt(np.square(rows).mean((0, 2)))
    np.testing.assert_allclose(level, np.sqrt(2), rtol=0.1)
    assert rows.std(-1)[0, 0] > 3 * rows.std(-1)[0, -1]


def test_shares_of_energy_are_those_of_linear_bins():
    """Of noise in a band, however many rows show it."""
    magnitude = np.zeros((1, 1025, 3))
    magnitude[:, 20:60, :] = 1  # as strong as the other band, and as wide,
    magnitude[:, 800:840, :] = 1  # but on many more rows
    rows = rows_of(jnp.asarray(magnitude, jnp.float32), 128)
    shares = np.asarray(energy_shares(rows, 1025)).sum((0, 2))
    assert shares.sum() == pytest.approx(1, abs=1e-5)
    assert shares[:60].sum() == pytest.approx(0.5, abs=0.03)
    silence = energy_shares(rows_of(jnp.zeros((1, 1025, 3)), 128), 1025)
    assert np.isfinite(silence).all()


class TestProfile:
    def test_is_the_standardised_spectrum(self):
        rows = np.random.default_rng(0).random((2, 8, 5))
        found = spectral_profile(jnp.asarray(rows, jnp.float32))
        spectrum = np.sqrt(rows + 1e-7).mean(-1)
        nats = np.log(spectrum / spectrum.mean(-1, keepdims=True) + 0.01)
        centred = nats - nats.mean(-1, keepdims=True)
        deviation = np.sqrt(np.mean(centred**2, -1, keepdims=True) + 1e-4) + 0.1
        np.testing.assert_allclose(found, centred / deviation, atol=1e-5)

    def test_leaves_out_the_level(self, inputs):
        rows = 1 + inputs[0][:, :32]
        loud, soft = (spectral_profile(rows * gain) for gain in (1.0, 0.01))
        np.testing.assert_allclose(loud, soft, atol=1e-3)


def test_parameters_do_not_depend_on_the_order(variables, inputs):
    net = Functional(DirectionalAttention, dataclasses.replace(SPEC, order=3))
    first, third = (field(variables, *inputs, net=each).gain for each in (NET, net))
    assert third.shape == (2, 15, 65, 16)
    np.testing.assert_allclose(third[:, :3], first, atol=1e-6)
    shapes = jax.eval_shape(net.init, jax.random.key(0))
    assert jax.tree.map(jnp.shape, variables) == jax.tree.map(jnp.shape, shapes)


def test_gradients_are_finite_for_silence_and_blank_pictures(variables):
    def total(params):
        found, _ = NET.apply(
            params,
            variables[1],
            jnp.zeros((2, 65, 16)),
            jnp.zeros((2, 3, 16, 32, 3)),
            TIMES_S,
            FRAMES_S,
            Mode(train=True),
        )
        return jnp.square(found.gain).sum()

    grads = jax.jit(jax.grad(total))(variables[0])
    assert all(np.isfinite(g).all() for g in jax.tree.leaves(grads))


def test_bfloat16_stays_near(variables, inputs):
    net = Functional(
        DirectionalAttention, dataclasses.replace(SPEC, compute_dtype="bfloat16")
    )
    half, whole = (field(variables, *inputs, net=each).gain for each in (net, NET))
    assert half.dtype == jnp.float32
    np.testing.assert_allclose(half, whole, atol=0.15)
