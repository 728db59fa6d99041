"""Signals and plain float64 loops that the adaptive filters are compared with."""

import numpy as np

PATH = np.array([0.8, -0.5, 0.3, 0.2, -0.15, 0.1, -0.05, 0.03])
"""How a reference reaches the primary: 8 taps."""


def noisy(num_samples, path=PATH, wanted_level=0.3, seed=0):
    """Wanted signal, reference and what of it reaches the primary, float64 [t]."""
    rng = np.random.default_rng(seed)
    wanted = wanted_level * 0.1 * rng.standard_normal(num_samples)
    reference = 0.1 * rng.standard_normal(num_samples)
    return wanted, reference, np.convolve(reference, path)[:num_samples]


def complex_noise(rng, *shape):
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def gain_db(wanted, primary, result):
    """By how much the second half of the result is nearer to the wanted signal."""
    half = wanted.shape[-1] // 2
    before = np.abs((primary - wanted)[..., half:]) ** 2
    after = np.abs((np.asarray(result) - wanted)[..., half:]) ** 2
    return 10 * np.log10(before.sum() / after.sum())


def windows(references, num_taps):
    """What the taps hear, [t, r, l], the newest first, of references [r, t]."""
    padded = np.pad(references, ((0, 0), (num_taps - 1, 0)))
    slid = np.lib.stride_tricks.sliding_window_view(padded, num_taps, axis=1)
    return slid[:, :, ::-1].transpose(1, 0, 2)


def descend(primary, references, num_taps, gain, leak=0.0):
    """LMS as the textbook writes it: errors [t] and taps [r, l]."""
    taps = np.zeros((len(references), num_taps), references.dtype)
    errors = np.zeros(primary.shape, references.dtype)
    for n, heard in enumerate(windows(references, num_taps)):
        errors[n] = primary[n] - np.sum(taps * heard)
        taps = (1 - leak) * taps + gain(heard) * errors[n] * heard.conj()
    return errors, taps
