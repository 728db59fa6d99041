"""The published scores of spatialaudiogen, one value for each channel.

Morgado, Vasconcelos, Langlois and Wang, Self-supervised generation of spatial audio for
360° video, 2018, and its published code. They are taken on chunks of 0.1 s, 4800
samples at 48 kHz, of the channels Y, Z, X. The log-spectral distances stand in
`spectral_distance`, the earth mover's distance in `field_emd`; ``stft_compat_loss``
without its factor 100 is the STFT distance.

A paper does not print these values but what `REPORTS` makes of them: first for each
chunk, then averaged over the chunks of a clip, then over clips.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from spatialjax.errors import ConfigError, check_shape, nearest
from spatialjax.typing import Array, HostArray

CHUNK_SAMPLES = 4800
SNR_FLOOR = 0.1
"""Energy, the sum of squares over a chunk, that is added to both sides of the SNR."""


def mean_square_error(estimate: Array, target: Array) -> Array:
    """Mean squared differences [...] of signals [..., t]: "mse".

    Raises:
      ShapeError: the shapes differ.
    """
    estimate, target = _checked(estimate, target)
    return jnp.square(target - estimate).mean(-1)


def envelope_distance(estimate: Array, target: Array) -> Array:
    """Root mean squared differences [...] of the envelopes of signals [..., t]: "env".

    A change of sign does not count.

    Raises:
      ShapeError: the shapes differ.
    """
    estimate, target = _checked(estimate, target)
    return jnp.sqrt(jnp.square(envelope(target) - envelope(estimate)).mean(-1))


def snr_compat_db(estimate: Array, target: Array) -> Array:
    """Ratios [...] in dB of target energy to error energy of signals [..., t]: "snr".

    `SNR_FLOOR` is added to both energies, which limits the value and pulls that of
    quiet chunks towards 0.

    Raises:
      ShapeError: the shapes differ.
    """
    estimate, target = _checked(estimate, target)
    wanted = jnp.square(target).sum(-1) + SNR_FLOOR
    unwanted = jnp.square(target - estimate).sum(-1) + SNR_FLOOR
    return 10 * (jnp.log10(wanted) - jnp.log10(unwanted))


def peak_amplitude(signal: Array) -> Array:
    """Largest absolute values [...] in all channels of signals [..., c, t]."""
    check_shape("signal", signal, "... c t")
    return jnp.abs(signal).max((-2, -1))


def envelope(signal: Array) -> Array:
    """Magnitudes [..., t] of the analytic signals of signals [..., t].

    The analytic signal has the spectrum of the signal, doubled, at positive frequencies
    and none at negative ones. The signal is taken as periodic.
    """
    num_samples = check_shape("signal", signal, "... t")["t"]
    spectrum = jnp.fft.rfft(signal.astype(jnp.float32))
    gain = np.full(spectrum.shape[-1], 2, np.complex64)
    gain[0] = 1
    if num_samples % 2 == 0:
        gain[-1] = 1
    doubled = spectrum * gain.reshape((1,) * (signal.ndim - 1) + gain.shape)
    return jnp.abs(jnp.fft.ifft(doubled, n=num_samples))


class Report(NamedTuple):
    """How a value of a chunk is printed: under which name, in which unit, and as what.

    `transform` takes the values and the number of samples of a chunk.
    """

    label: str
    unit: str
    transform: Callable[[HostArray, int], HostArray]


def _plain(value: HostArray, num_samples: int) -> HostArray:
    del num_samples
    return np.asarray(value, np.float64)


def _norm_of_mean_square(value: HostArray, num_samples: int) -> HostArray:
    return np.sqrt(np.asarray(value, np.float64) * num_samples)


def _norm_of_rms(value: HostArray, num_samples: int) -> HostArray:
    return np.asarray(value, np.float64) * np.sqrt(num_samples)


def _degrees(value: HostArray, num_samples: int) -> HostArray:
    del num_samples
    return np.rad2deg(np.asarray(value, np.float64))


REPORTS = {
    "stft": Report("STFT", "squared amplitude", _plain),
    "mse": Report("MSE", "amplitude times root of samples", _norm_of_mean_square),
    "env": Report("ENV", "amplitude times root of samples", _norm_of_rms),
    "emd_dir": Report("EMD", "radians times root of samples", _norm_of_rms),
    "direction_error_rad": Report("direction", "degrees", _degrees),
}
"""By the name of the score: the four published figures, and angles in degrees."""


def report(name: str, value: HostArray, num_samples: int = CHUNK_SAMPLES) -> HostArray:
    """Values, float64, as tables print them; their mean is yet to take.

    Args:
      name: one of `REPORTS`.
      value: any shape; that of the means over channels.
      num_samples: length of a chunk.

    Raises:
      ConfigError: there is no such figure.
    """
    if name not in REPORTS:
        raise ConfigError(
            f"no printed figure is made of {name!r}; {nearest(name, REPORTS)}"
        )
    return REPORTS[name].transform(value, num_samples)


def _checked(estimate: Array, target: Array) -> tuple[Array, Array]:
    check_shape("estimate", estimate, "... t")
    check_shape("target", target, " ".join(map(str, estimate.shape)))
    return estimate.astype(jnp.float32), target.astype(jnp.float32)
