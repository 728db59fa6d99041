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
from spatialjax.models.directional_attention import spectral_profile
from spatialjax.nn import EVAL, Functional, Mode

SPEC = DirectionalAttentionSpec(
    num_tracks=5,
    num_rows=32,
    sound_downs=3,
    sound_width=4,
    picture_strided=(6, 8),
    picture_kept=(8,),
    num_features=6,
)
NET = Functional(DirectionalAttention, SPEC)
TIMES_S = jnp.array([[-0.25, 0.0, 0.25]] * 2)
FRAMES_S = jnp.linspace(-0.4, 0.4, 16)


@pytest.fixture(scope="module")
def variables():
    params, state = NET.init(jax.random.key(0))
    # Far from the uniform attention that a new network has.
    params = {**params, "query": 60 * params["query"]}
    return params, state


@pytest.fixture(scope="module")
def inputs():
    rng = np.random.default_rng(1)
    magnitude = rng.random((2, 65, 16)).astype(np.float32)
    pictures = rng.normal(size=(2, 3, 16, 32, 3)).astype(np.float32)
    return jnp.asarray(magnitude), jnp.asarray(pictures)


def field(variables, magnitude, pictures, net=NET, **kwargs):
    apply = jax.jit(lambda *args: net.apply(*variables, *args, EVAL, **kwargs)[0])
    return apply(magnitude, pictures, TIMES_S, FRAMES_S)


def test_shapes(variables, inputs):
    found = field(variables, *inputs)
    assert found.gain.shape == (2, 3, 65, 16)
    assert found.attention.shape == (2, 3, 5, 4, 8)
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


def test_attention_on_one_place_is_a_plane_wave_from_there(variables):
    attention = np.zeros((1, 1, 5, 4, 8), np.float32)
    attention[0, 0, 2, 1, 6] = 1
    gains, _ = NET.apply(*variables, jnp.asarray(attention), method="encode")
    direction = angles_to_direction(*pixel_to_angles(1.0, 6.0, 4, 8))
    expected = spherical_harmonics(direction, 1)[1:]
    np.testing.assert_allclose(gains[0, 0, 2], expected, atol=1e-6)
    np.testing.assert_array_equal(gains[0, 0, :2], 0)


def test_masks_and_queries_of_the_tracks(variables, inputs):
    (masks, query), _ = NET.apply(*variables, inputs[0], EVAL, method="split")
    assert masks.shape == (2, 32, 16, 5)
    assert ((masks > 0) & (masks < 1)).all()
    assert query.shape == (2, 5, 6)


def test_a_profile_is_the_standardised_spectrum_of_a_track():
    """Two tracks, one of the low rows and one of the high ones."""
    rng = np.random.default_rng(0)
    rows = rng.random((1, 8, 5))
    masks = np.zeros((1, 8, 5, 2))
    masks[:, :4, :, 0] = masks[:, 4:, :, 1] = 1
    found = spectral_profile(*(jnp.asarray(x, jnp.float32) for x in (masks, rows)))
    for track in range(2):
        spectrum = (np.sqrt(rows[0] + 1e-7) * masks[0, ..., track]).sum(1)
        nats = np.log(spectrum / spectrum.mean() + 0.01)
        centred = nats - nats.mean()
        expected = centred / (np.sqrt(np.mean(centred**2) + 1e-4) + 0.1)
        np.testing.assert_allclose(found[0, track], expected, atol=1e-5)
    louder = spectral_profile(jnp.asarray(masks), jnp.asarray(100 * rows))
    np.testing.assert_allclose(louder, found, atol=1e-4)


def test_the_level_of_a_sound_does_not_change_what_is_asked_for(inputs):
    masks = jnp.ones((2, 32, 16, 1))
    rows = 1 + inputs[0][:, :32]
    loud, soft = (spectral_profile(masks, rows * gain) for gain in (1.0, 0.01))
    np.testing.assert_allclose(loud, soft, atol=1e-3)


def test_attention_is_a_share_and_may_look_nowhere(variables, inputs):
    query = jnp.broadcast_to(variables[0]["query"], (2, 5, 6))
    looks = NET.apply(*variables, inputs[1], query, EVAL, method="look")[0]
    total = looks.sum((-2, -1))
    assert (looks >= 0).all()
    assert (total <= 1 + 1e-6).all()
    params = {**variables[0], "nowhere": jnp.full((5,), 200.0)}
    args = params, variables[1], inputs[1], query, EVAL
    nowhere = NET.apply(*args, method="look")[0]
    np.testing.assert_allclose(nowhere, 0, atol=1e-6)


def test_blank_pictures_look_evenly_over_the_area(variables):
    blank = jnp.zeros((1, 1, 16, 32, 3))
    query = variables[0]["query"][None]
    (attention,) = NET.apply(*variables, blank, query, EVAL, method="look")[:1]
    share = np.asarray(attention[0, 0, 0] / attention[0, 0, 0].sum())
    rows = np.pi / 2 - np.pi * np.arange(5) / 4
    area = (np.sin(rows[:-1]) - np.sin(rows[1:]))[:, None] / 16
    np.testing.assert_allclose(share, np.broadcast_to(area, (4, 8)), rtol=1e-4)


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
    np.testing.assert_allclose(half, whole, atol=0.1)
