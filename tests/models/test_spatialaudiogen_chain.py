import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.audio import PadMode, frames_to_spectrum, istft, stft
from spatialjax.errors import ShapeError
from spatialjax.models import Tracks
from spatialjax.models.spatialaudiogen_chain import (
    CHUNK_ROWS,
    HEARD_SAMPLES,
    STEP_ROWS,
    STREAM_ROWS,
    centre_pictures,
    render_window,
    stream_field,
    two_sided,
    window_magnitude,
)
from spatialjax.models.spatialaudiogen_separation import fold_masks
from tests.models import spatialaudiogen_reference as plain
from tests.models.spatialaudiogen_toy import windows

NUM_CHUNK_ROWS = CHUNK_ROWS[1] - CHUNK_ROWS[0]


def _tracks(num_tracks, masks, rows=2, num_outputs=3):
    rng = np.random.default_rng(3)
    weights = rng.normal(size=(rows, 3, num_outputs, num_tracks))
    bias = rng.normal(size=(rows, 3, num_outputs))
    return Tracks(jnp.float32(weights), jnp.float32(bias), masks)


def _ones(num_frames, num_tracks=1):
    return jnp.ones((2, num_tracks, 513, num_frames))


def test_b12_magnitudes_are_those_of_the_plain_transform():
    mono = np.float64(windows())
    assert plain.stft(mono).shape == (2, 200, 1024)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    starts = 256 * np.arange(46, 173)
    frames = mono[:, starts[:, None] + np.arange(1024)]
    expected = np.abs(np.fft.fft(frames * hann))
    np.testing.assert_allclose(window_magnitude(windows()), expected, atol=2e-5)


def test_only_some_samples_are_heard():
    mono = windows()
    start, stop = HEARD_SAMPLES
    reach = jax.grad(jax.jit(lambda x: jnp.square(window_magnitude(x)).sum()))(mono)
    heard = np.flatnonzero(jnp.abs(reach).max(0))
    assert (heard[0], heard[-1]) == (start + 1, stop - 1)  # a Hann window begins at 0


def test_b13_unmasked_sound_is_halved():
    mono = windows()
    tracks = _tracks(1, _ones(NUM_CHUNK_ROWS))
    tracks = tracks._replace(weights=jnp.ones((2, 3, 3, 1)), bias=jnp.zeros((2, 3, 3)))
    chunk = render_window(mono, tracks)
    expected = np.repeat(0.5 * mono[:, None, 24_000:28_800], 3, 1)
    np.testing.assert_allclose(chunk, expected, atol=1e-6)


def test_b14_folded_masks_do_as_two_sided_ones():
    rng = np.random.default_rng(0)
    masks = rng.random((2, 4, 1024, 3))
    spectrum = np.fft.fft(rng.normal(size=(2, 4, 1024)))
    product = spectrum[..., None] * masks
    expected = np.fft.ifft(product, axis=2).real.transpose(0, 3, 1, 2)
    folded = np.float64(fold_masks(jnp.float32(masks)))
    assert folded.shape == (2, 3, 513, 4)
    one_sided = spectrum[:, :, :513].swapaxes(1, 2)[:, None]
    got = np.fft.irfft((folded * one_sided).swapaxes(2, 3))
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_b17_mixing_before_inverting_equals_inverting_every_track():
    rng = np.random.default_rng(0)
    masks = rng.random((2, 32, 28, 1024)).astype(np.float32)
    tracks = _tracks(32, fold_masks(jnp.asarray(masks.transpose(0, 2, 3, 1))))
    weighted = map(np.float64, (windows(), masks, tracks.weights, tracks.bias))
    expected = plain.render(*weighted)
    kept = slice(CHUNK_ROWS[0] - 43, CHUNK_ROWS[1] - 43)
    chunk = render_window(windows(), tracks._replace(masks=tracks.masks[..., kept]))
    np.testing.assert_allclose(chunk.swapaxes(1, 2), expected, atol=1e-5)


def test_every_row_of_a_chunk_is_needed():
    tracks = _tracks(1, _ones(NUM_CHUNK_ROWS))

    @jax.jit
    def energy(masks):
        return jnp.square(render_window(windows(), tracks._replace(masks=masks))).sum()

    gradient = jax.grad(energy)(tracks.masks)
    assert bool((jnp.abs(gradient).max((0, 1, 2)) > 1e-6).all())


def _panned(azimuth_rad, elevation_rad, masks):
    """One track, of a source in a known direction."""
    direction = np.array(
        [
            np.sin(azimuth_rad) * np.cos(elevation_rad),
            np.sin(elevation_rad),
            np.cos(azimuth_rad) * np.cos(elevation_rad),
        ]
    )
    weights = np.tile(2 * direction[:, None], (2, 3, 1, 1))
    tracks = Tracks(jnp.float32(weights), jnp.zeros((2, 3, 3)), masks)
    return direction, tracks


def test_b18_known_directions_are_encoded_exactly():
    mono = windows()
    direction, tracks = _panned(2.0, -0.4, _ones(NUM_CHUNK_ROWS))
    expected = direction[:, None] * np.float64(mono[:, None, 24_000:28_800])
    np.testing.assert_allclose(render_window(mono, tracks), expected, atol=1e-6)


def test_b18_known_directions_are_encoded_exactly_on_a_stream():
    mono = windows()[:, :7936]
    spectrum = stft(mono, 1024, 256, pad_mode=PadMode.CONSTANT)
    direction, tracks = _panned(2.0, -0.4, _ones(32))
    assert spectrum.shape == (2, 513, 32)
    tracks = tracks._replace(bias=jnp.full((2, 3, 3), 0.25))
    field = stream_field(tracks)
    constant = frames_to_spectrum(jnp.ones((1, 1, 1, 1024)))
    whole = field.gain * spectrum[:, None] + field.offset[:, :, None] * constant
    signal = istft(whole, 256)
    expected = direction[:, None] * np.float64(mono[:, None])
    # The constant is whole where the frames overlap wholly.
    inside = slice(512, -512)
    got = np.asarray(signal)[..., inside]
    np.testing.assert_allclose(got, expected[..., inside] + 0.25, atol=2e-6)


@pytest.mark.parametrize("rows", [STREAM_ROWS, (40, 90)])
def test_weights_go_linearly_from_step_to_step(rows):
    rng = np.random.default_rng(0)
    num_rows = rows[1] - rows[0]
    tracks = _tracks(4, jnp.float32(rng.random((2, 4, 513, num_rows))))
    places = np.arange(*rows)
    weights, bias, kept = (np.float64(a) for a in tracks)

    def between(values):
        line = lambda v: np.interp(places, STEP_ROWS, v)  # noqa: E731
        return np.apply_along_axis(line, 1, values)

    expected = 0.5 * np.einsum("bkon,bnfk->bofk", between(weights), kept)
    field = stream_field(tracks, rows)
    np.testing.assert_allclose(field.gain, expected, atol=1e-5)
    expected = between(bias).swapaxes(1, 2)
    np.testing.assert_allclose(field.offset, expected, atol=1e-6)


def test_windows_32_frames_apart_continue_each_other():
    start, stop = STREAM_ROWS
    assert stop - start == STEP_ROWS[2] - STEP_ROWS[0] == 32
    assert start == STEP_ROWS[0]
    tracks = _tracks(2, _ones(1, 2))
    later = tracks._replace(weights=jnp.roll(tracks.weights, 1, 1))  # step 2 to step 0
    end = stream_field(tracks, (stop, stop + 1))
    begin = stream_field(later, (start, start + 1))
    np.testing.assert_allclose(end.gain, begin.gain, atol=1e-6)


def test_both_sides_of_a_spectrum():
    frames = np.random.default_rng(0).normal(size=(2, 5, 1024))
    one_sided = jnp.float32(np.abs(np.fft.rfft(frames)).swapaxes(1, 2))
    expected = np.abs(np.fft.fft(frames))
    np.testing.assert_allclose(two_sided(one_sided), expected, rtol=1e-5)


def test_pictures_lie_around_zero():
    pixels = jnp.asarray([[[0, 255, 51]]], jnp.uint8)
    np.testing.assert_allclose(
        centre_pictures(pixels), [[[-0.5, 0.5, -0.3]]], atol=1e-7
    )


def test_refuses_other_lengths():
    with pytest.raises(ShapeError, match="mono has shape"):
        window_magnitude(jnp.zeros((2, 52_800)))
    with pytest.raises(ShapeError, match="masks has shape"):
        render_window(windows(), _tracks(1, _ones(28)))
    with pytest.raises(ShapeError, match="masks has shape"):
        stream_field(_tracks(1, _ones(28)))
