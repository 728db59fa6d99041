import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.audio import fix_length, frame_signal, overlap_add

pytestmark = pytest.mark.usefixtures("strict_dtypes")
SIZES = [(8, 4, 5), (7, 3, 4), (5, 8, 3), (6, 6, 1), (1022, 256, 3)]


@pytest.mark.parametrize(("length", "hop", "count"), SIZES)
def test_frames_are_slices_of_the_signal(length, hop, count):
    signal = np.random.default_rng(0).normal(size=(2, 3, length + (count - 1) * hop))
    frames = frame_signal(jnp.asarray(signal, jnp.float32), length, hop, count)
    assert frames.shape == (2, 3, count, length)
    for k in range(count):
        expected = signal[..., k * hop : k * hop + length].astype(np.float32)
        np.testing.assert_array_equal(np.asarray(frames[..., k, :]), expected)


@pytest.mark.parametrize(("length", "hop", "count"), SIZES)
def test_overlap_add_is_the_transpose_of_framing(length, hop, count):
    rng = np.random.default_rng(1)
    signal = jnp.asarray(rng.normal(size=length + (count - 1) * hop), jnp.float32)
    frames = jnp.asarray(rng.normal(size=(count, length)), jnp.float32)
    added = jax.jit(overlap_add, static_argnums=1)(frames, hop)
    assert added.shape == signal.shape
    left = (frame_signal(signal, length, hop, count) * frames).sum()
    np.testing.assert_allclose(left, (signal * added).sum(), rtol=1e-4, atol=1e-4)


def test_fix_length_cuts_and_continues_with_zeros():
    signal = jnp.arange(4.0)[None]
    assert fix_length(signal, 2).tolist() == [[0, 1]]
    assert fix_length(signal, 6).tolist() == [[0, 1, 2, 3, 0, 0]]
