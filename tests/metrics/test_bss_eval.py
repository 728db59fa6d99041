import warnings

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from spatialjax.errors import ShapeError
from spatialjax.metrics import bss_eval_permuted, bss_eval_sets, bss_eval_sources

RATE_HZ = 11025
TRUSTED_DB = 160.0
"""Ratios above it are rounding errors of float64, in any implementation."""


def mir_eval_scores(references, estimates, permute=False):
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        from mir_eval.separation import bss_eval_sources as oracle

        *ratios, order = oracle(references, estimates, compute_permutation=permute)
    return np.array(ratios), order


def noise(n, t, seed=0):
    return np.random.default_rng((seed, n, t)).standard_normal((n, t))


def tones(frequencies_hz, t):
    """Steady tones: nothing but one sine each."""
    return np.sin(2 * np.pi * np.outer(frequencies_hz, np.arange(t)) / RATE_HZ)


def notes(n, t, seed=0):
    """Sums of decaying harmonics whose pitch changes, like played notes."""
    rng = np.random.default_rng((seed, n, t, 1))
    time_s = np.arange(t) / RATE_HZ
    sources = np.zeros((n, t))
    for source in sources:
        for start in range(0, t, t // 6):
            pitch_hz = 220 * 2 ** (rng.integers(24) / 12)
            age_s = np.maximum(time_s - time_s[start], 0)
            envelope = (time_s >= time_s[start]) * np.exp(-4 * age_s)
            for k in range(1, 9):
                wave = np.sin(2 * np.pi * k * pitch_hz * age_s + rng.uniform(0, 6))
                source += envelope * wave / k
    return sources


def cross_talk(sources, amount):
    return sources + amount * (sources.sum(0) - sources)


def filtered(sources, taps, seed=0):
    kernels = np.random.default_rng((seed, taps)).standard_normal((len(sources), taps))
    kernels *= np.exp(-np.arange(taps) / 8)
    pairs = zip(sources, kernels, strict=True)
    return np.stack([np.convolve(s, k)[: s.size] for s, k in pairs])


def partly_silent(sources):
    sources = sources.copy()
    sources[0, : sources.shape[1] // 2] = 0
    sources[1, sources.shape[1] // 2 :] = 0
    return sources


A, B, C, D = noise(2, 8000), notes(2, 16000), notes(3, 6000), notes(4, 4000)
E, F = tones([440, 523.25], 16000), tones([441, 882], 65280)
CASES = {
    "noise with noise": (A, A + 0.3 * noise(2, 8000, 1)),
    "noise with little noise": (A, A + 1e-3 * noise(2, 8000, 1)),
    "noise, near perfect": (A, A + 1e-6 * noise(2, 8000, 1)),
    "noise, wrong order": (A, A[::-1] + 0.1 * noise(2, 8000, 1)),
    "noise, unrelated": (A, noise(2, 8000, 2)),
    "noise, filtered": (A, filtered(A, 64) + 0.05 * noise(2, 8000, 1)),
    "noise, filter too long": (A, filtered(A, 40) + np.roll(A, 700, axis=-1)),
    "notes with noise": (B, B + 0.05 * noise(2, 16000)),
    "notes with cross-talk": (B, cross_talk(B, 0.3) + 1e-3 * noise(2, 16000)),
    "notes, near perfect": (B, B + 1e-6 * noise(2, 16000)),
    "notes, filtered": (B, filtered(B, 200) + 0.01 * noise(2, 16000)),
    "notes, partly silent": (
        partly_silent(B),
        cross_talk(partly_silent(B), 0.2) + A.max() * 1e-3 * noise(2, 16000),
    ),
    "notes, scaled": (B * [[1], [1e-3]], 0.1 * B + 0.01 * noise(2, 16000)),
    "notes, the mixture": (B, np.tile(B.sum(0) + 1e-5 * noise(1, 16000), (2, 1))),
    "three sources": (C, cross_talk(C, 0.2) + 0.01 * noise(3, 6000)),
    "four sources": (D, cross_talk(D, 0.2) + 0.01 * noise(4, 4000)),
    "one source": (A[:1], A[:1] + 0.1 * A[1:]),
    "steady tones with noise": (E, E + 0.1 * noise(2, 16000)),
    "steady tones with cross-talk": (E, cross_talk(E, 0.3) + 1e-3 * noise(2, 16000)),
    "steady tones, near perfect": (E, E + 1e-6 * noise(2, 16000)),
    "steady harmonic tones, six seconds": (F, F + 1e-3 * noise(2, 65280)),
    "steady tone and notes": (
        np.stack([E[0], B[0]]),
        np.stack([E[0] + 0.1 * B[0], B[0] - 0.2 * E[0]]) + 1e-4 * noise(2, 16000),
    ),
    "shorter than the filter": (A[:, :300], A[:, :300] + 0.2 * noise(2, 300)),
}


@pytest.mark.parametrize("case", CASES)
def test_equals_mir_eval(case):
    references, estimates = CASES[case]
    expected, _ = mir_eval_scores(references, estimates)
    scores = bss_eval_sources(references, estimates)
    np.testing.assert_array_equal(scores.weight, 1)
    given = np.array(scores[:3])
    trusted = (expected < TRUSTED_DB) | (given < TRUSTED_DB)
    assert trusted[0].all()
    np.testing.assert_allclose(given[trusted], expected[trusted], rtol=0, atol=0.01)


def test_duplicate_references_take_the_steps_of_mir_eval():
    references, estimates = E[[0, 0]], E[[0, 0]] + 0.1 * noise(2, 16000)
    expected, _ = mir_eval_scores(references, estimates)
    scores = bss_eval_sources(references, estimates)
    np.testing.assert_allclose(scores.sdr_db, expected[0], atol=0.01)
    np.testing.assert_allclose(scores.sar_db, expected[2], atol=0.01)
    assert (scores.sir_db > 60).all()


def test_known_ratio_of_white_noise():
    """White signals share nothing but by chance: 512 of t dimensions each."""
    t, taps, gain = 40000, 8, 0.5
    sources, rest = noise(2, t), noise(2, t, 3)
    scores = bss_eval_sources(sources, sources + gain * rest, num_taps=taps)
    np.testing.assert_allclose(scores.sdr_db, 10 * np.log10(1 / gain**2), atol=0.1)
    np.testing.assert_allclose(scores.sar_db, scores.sdr_db, atol=0.1)
    assert (scores.sir_db > 25).all()


def test_filters_up_to_the_taps_are_forgiven():
    references = noise(2, 4000) * (np.arange(4000) < 3900)
    forgiven = bss_eval_sources(references, filtered(references, 64), num_taps=64)
    too_long = bss_eval_sources(references, filtered(references, 64), num_taps=16)
    assert (forgiven.sdr_db > 200).all()
    assert (too_long.sdr_db < 30).all()


def test_single_source_has_infinite_interference_ratio():
    assert bss_eval_sources(A[:1], A[:1] + 0.1 * A[1:]).sir_db == np.inf


def test_batch_threads_and_sets_change_nothing():
    references = np.stack([A, filtered(A, 9), A[::-1]])[:, None]
    estimates = references + 0.1 * noise(2, 8000, 5)
    mixture = references.sum(-2, keepdims=True)
    batched, baseline = bss_eval_sets(
        references.astype(np.float32), [estimates, mixture], num_threads=3
    )
    assert batched.sdr_db.shape == (3, 1, 2)
    for item in range(3):
        one = references[item, 0].astype(np.float32)
        alone = bss_eval_sources(one, estimates[item, 0], num_threads=1)
        repeated = np.repeat(mixture[item, 0], 2, axis=0)
        other = bss_eval_sources(one, repeated, num_threads=1)
        for k in range(4):
            np.testing.assert_allclose(batched[k][item, 0], alone[k], atol=1e-6)
            np.testing.assert_allclose(baseline[k][item, 0], other[k], atol=1e-6)


def test_silence_has_weight_zero_and_no_value():
    references = np.stack([A, A, A])
    references[1, 0] = 0
    estimates = A + 0.1 * noise(2, 8000, 5) + np.zeros((3, 1, 1))
    estimates[2, 1] = 1e-10
    scores, mixture = bss_eval_sets(references, [estimates, A.sum(0) + references * 0])
    np.testing.assert_array_equal(scores.weight, [[1, 1], [0, 0], [0, 0]])
    np.testing.assert_array_equal(mixture.weight, [[1, 1], [0, 0], [1, 1]])
    for values in scores[:3]:
        assert (values[0] != 0).all()
        np.testing.assert_array_equal(values[1:], 0)


def test_a_broken_estimate_is_not_silent():
    scores = bss_eval_sources(A, np.stack([A[0], A[1] + np.nan]))
    np.testing.assert_array_equal(scores.weight, 1)
    assert np.isnan(scores.sdr_db).all()


def test_empty_batch():
    scores = bss_eval_sources(np.zeros((0, 2, 100)), np.zeros((0, 2, 100)))
    assert scores.sdr_db.shape == (0, 2)


@pytest.mark.parametrize("n", [2, 3])
def test_permutation_equals_mir_eval(n):
    references = noise(n, 3000)
    estimates = np.roll(cross_talk(references, 0.3), 1, axis=0) + 0.2 * noise(
        n, 3000, 1
    )
    expected, order = mir_eval_scores(references, estimates, permute=True)
    scores, found = bss_eval_permuted(references[None], estimates[None])
    np.testing.assert_array_equal(found[0], order)
    np.testing.assert_allclose(np.array(scores[:3])[:, 0], expected, atol=0.01)
    np.testing.assert_array_equal(scores.weight, 1)


@pytest.mark.parametrize("shape", [(3, 100), (2, 99), (1, 2, 100), (100,)])
def test_shapes_that_do_not_fit(shape):
    with pytest.raises(ShapeError):
        bss_eval_sources(np.ones((2, 100)), np.ones(shape))
