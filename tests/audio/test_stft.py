import jax
import jax.numpy as jnp
import librosa
import numpy as np
import pytest

from spatialjax.audio import (
    PadMode,
    StftMethod,
    hann_window,
    istft,
    magnitude,
    num_stft_frames,
    phase,
    stft,
)
from spatialjax.errors import ConfigError, ShapeError

pytestmark = pytest.mark.usefixtures("strict_dtypes")
# Compiled whole, a transform costs the tests one compilation instead of twenty.
fast_stft = jax.jit(stft, static_argnums=(1, 2), static_argnames=("pad_mode", "method"))
fast_istft = jax.jit(
    istft, static_argnums=1, static_argnames=("n_fft", "length", "method")
)
METHODS = [StftMethod.FFT, StftMethod.MATMUL]
SIZES = [
    (1022, 256, 3001),
    (1022, 256, 2816),
    (512, 128, 2048),
    (400, 160, 1999),
    (100, 130, 777),
    (101, 40, 1000),
]


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def error(given, expected):
    return np.abs(np.asarray(given) - expected).max() / np.abs(expected).max()


def stft_by_definition(signal, n_fft, hop, pad_mode):
    """Float64: the sum over each window, written as a matrix of exponentials."""
    padded = np.pad(signal.astype(np.float64), n_fft // 2, mode=pad_mode)
    n = np.arange(n_fft)
    window = np.sin(np.pi * n / n_fft) ** 2
    starts = range(0, len(padded) - n_fft + 1, hop)
    frames = np.stack([padded[start : start + n_fft] * window for start in starts])
    bins = np.arange(n_fft // 2 + 1)
    return np.exp(-2j * np.pi * bins[:, None] * n / n_fft) @ frames.T


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("pad_mode", list(PadMode))
@pytest.mark.parametrize(("n_fft", "hop", "length"), SIZES)
def test_stft_equals_its_definition_and_librosa(n_fft, hop, length, pad_mode, method):
    signal = noise(length)
    spectrum = fast_stft(
        jnp.asarray(signal), n_fft, hop, pad_mode=pad_mode, method=method
    )
    assert spectrum.dtype == jnp.complex64
    frames = num_stft_frames(length, n_fft, hop)
    assert spectrum.shape == (n_fft // 2 + 1, frames)
    assert n_fft % 2 or frames == 1 + length // hop
    expected = stft_by_definition(signal, n_fft, hop, str(pad_mode))
    assert error(spectrum, expected) < 1e-5
    librosas = librosa.stft(
        signal, n_fft=n_fft, hop_length=hop, pad_mode=str(pad_mode), center=True
    )
    assert error(spectrum, librosas) < 1e-5


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("length", [None, 3000, 7000])
@pytest.mark.parametrize(("n_fft", "hop", "frames"), [(1022, 256, 20), (101, 40, 50)])
def test_istft_equals_librosa_on_any_spectrum(n_fft, hop, frames, length, method):
    bins = n_fft // 2 + 1
    spectrum = (noise(2, bins, frames) + 1j * noise(2, bins, frames, seed=1)).astype(
        np.complex64
    )
    given = fast_istft(
        jnp.asarray(spectrum), hop, n_fft=n_fft, length=length, method=method
    )
    expected = librosa.istft(spectrum, hop_length=hop, n_fft=n_fft, length=length)
    assert given.dtype == jnp.float32
    assert given.shape == expected.shape
    assert error(given, expected) < 1e-5


@pytest.mark.parametrize("method", METHODS)
def test_the_published_size_inverts(method):
    signal = jnp.asarray(noise(65535))
    spectrum = fast_stft(signal, 1022, 256, method=method)
    assert spectrum.shape == (512, 256)
    inverse = fast_istft(spectrum, 256, method=method)
    assert inverse.shape == (65280,)
    assert error(inverse, np.asarray(signal[:65280])) < 1e-5


@pytest.mark.parametrize("method", METHODS)
def test_length_restores_the_whole_signal(method):
    signal = jnp.asarray(noise(2, 4000))
    inverse = fast_istft(fast_stft(signal, 256, 64), 64, length=4000, method=method)
    assert error(inverse, np.asarray(signal)) < 1e-5


@pytest.mark.parametrize("method", METHODS)
def test_leading_axes_are_a_loop(method):
    signal = jnp.asarray(noise(2, 3, 1, 900))
    spectrum = fast_stft(signal, 128, 32, method=method)
    assert spectrum.shape == (2, 3, 1, 65, 29)
    alone = fast_stft(signal[1, 2, 0], 128, 32, method=method)
    np.testing.assert_allclose(spectrum[1, 2, 0], alone, atol=1e-5)
    inverse = fast_istft(spectrum, 32, method=method)
    assert inverse.shape == (2, 3, 1, 896)
    np.testing.assert_allclose(
        inverse[1, 2, 0], fast_istft(alone, 32, method=method), atol=1e-6
    )


def test_stft_is_linear():
    first, second = jnp.asarray(noise(2, 2000))
    both = fast_stft(2.0 * first - 3.0 * second, 256, 64)
    expected = 2 * fast_stft(first, 256, 64) - 3 * fast_stft(second, 256, 64)
    assert error(both, np.asarray(expected)) < 1e-5


def test_energy_is_that_of_the_windowed_frames():
    # Parseval: with a hop of a quarter the squared Hann windows add up to 3/8 · 4.
    signal = np.zeros(4096, np.float32)
    signal[512:-512] = noise(3072)
    spectrum = np.asarray(
        fast_stft(jnp.asarray(signal), 256, 64, pad_mode=PadMode.CONSTANT)
    )
    power = np.abs(spectrum) ** 2
    energy = (2 * power.sum() - power[0].sum() - power[-1].sum()) / 256
    np.testing.assert_allclose(energy, 1.5 * (signal.astype(float) ** 2).sum(), 1e-5)


def test_a_full_scale_sine_keeps_the_raw_magnitude():
    frequency_hz = 100 * 11025 / 1022
    time_s = np.arange(65535) / 11025
    signal = np.sin(2 * np.pi * frequency_hz * time_s).astype(np.float32)
    spectrum = magnitude(fast_stft(jnp.asarray(signal), 1022, 256))
    assert hann_window(1022).sum() == pytest.approx(511.0)
    np.testing.assert_allclose(spectrum[100, 10:-10], 255.5, rtol=1e-4)


def test_phase_and_magnitude_give_the_spectrum_back():
    spectrum = fast_stft(jnp.asarray(noise(2000)), 256, 64)
    spectrum_phase = np.asarray(phase(spectrum))
    again = np.asarray(magnitude(spectrum)) * np.exp(1j * spectrum_phase)
    assert error(again, np.asarray(spectrum)) < 1e-5
    np.testing.assert_allclose(spectrum_phase, np.angle(np.asarray(spectrum)), 1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("measure", [magnitude, phase])
@pytest.mark.parametrize("scale", [0.0, 1e-25, 1.0])
def test_gradients_are_finite(scale, measure, method):
    def total(signal):
        return measure(stft(signal, 16, 8, method=method)).sum()

    gradient = jax.jit(jax.grad(total))(jnp.asarray(np.float32(scale) * noise(40)))
    assert np.isfinite(gradient).all()
    if scale == 0:
        assert not np.any(gradient)


@pytest.mark.parametrize("method", METHODS)
def test_gradient_of_a_round_trip_is_that_of_the_identity(method):
    weight = jnp.asarray(noise(512, seed=3))

    def total(signal):
        inverse = istft(stft(signal, 64, 16, method=method), 16, method=method)
        return (inverse * weight).sum()

    gradient = jax.jit(jax.grad(total))(jnp.asarray(noise(512)))
    np.testing.assert_allclose(gradient, weight, atol=1e-5)


def test_half_precision_is_computed_in_float32():
    signal = jnp.asarray(noise(600)).astype(jnp.bfloat16)
    spectrum = fast_stft(signal, 64, 16)
    assert (
        error(spectrum, np.asarray(fast_stft(signal.astype(jnp.float32), 64, 16))) == 0
    )


@pytest.mark.parametrize(
    ("platform", "method"), [("cpu", "fft"), ("cuda", "fft"), ("tpu", "matmul")]
)
def test_auto_is_the_matrix_in_what_is_compiled_for_a_tpu(platform, method):
    def operations(method):
        def round_trip(signal):
            return istft(stft(signal, 62, 16, method=method), 16, method=method)

        traced = jax.jit(round_trip).trace(jnp.zeros(600))
        text = traced.lower(lowering_platforms=(platform,)).as_text()
        return {name: text.count(name) for name in ("stablehlo.fft", "dot_general")}

    found = operations(StftMethod.AUTO)
    assert found == operations(method)
    assert found[{"fft": "stablehlo.fft", "matmul": "dot_general"}[method]] >= 2


def test_auto_is_the_transform_here():
    signal = jnp.asarray(noise(600))
    fft = stft(signal, 62, 16, method=StftMethod.FFT)
    assert np.any(fft != stft(signal, 62, 16, method=StftMethod.MATMUL))
    np.testing.assert_array_equal(stft(signal, 62, 16), fft)
    np.testing.assert_array_equal(istft(fft, 16), istft(fft, 16, method="fft"))


@pytest.mark.parametrize("platform", ["tpu", "cuda"])
@pytest.mark.parametrize("method", METHODS)
def test_lowers_for_accelerators(method, platform):
    def round_trip(signal):
        return istft(stft(signal, 1022, 256, method=method), 256, method=method)

    traced = jax.jit(round_trip).trace(jnp.zeros((2, 65535)))
    assert traced.lower(lowering_platforms=(platform,)).as_text()


@pytest.mark.parametrize(
    ("length", "mode", "message"),
    [
        (511, PadMode.REFLECT, "511 samples.*1022.*reflect.*at least 512"),
        (0, PadMode.CONSTANT, "0 samples.*constant.*at least 1"),
    ],
)
def test_short_signals_are_refused(length, mode, message):
    with pytest.raises(ShapeError, match=message):
        stft(jnp.zeros((2, length)), 1022, 256, pad_mode=mode)
    assert stft(jnp.zeros((2, length + 1)), 1022, 256, pad_mode=mode).ndim == 3


def test_bad_sizes_are_refused():
    with pytest.raises(ConfigError, match="hop is 0"):
        stft(jnp.zeros(100), 16, 0)
    with pytest.raises(ShapeError, match=r"f=51"):
        istft(jnp.zeros((50, 4), jnp.complex64), 16, n_fft=100)
    with pytest.raises(ShapeError, match="spectrum"):
        istft(jnp.zeros(50, jnp.complex64), 16)
