"""BSS-eval v3: SDR, SIR and SAR of separated sources, in float64 on the host.

An estimate e is split by two least-squares projections: P_r e onto the delays
0 .. num_taps - 1 of its own reference, and P e onto those of all the references.

    SDR = |P_r e|² / |e - P_r e|²    the target against everything else
    SIR = |P_r e|² / |P e - P_r e|²  the target against the other sources
    SAR = |P e|² / |e - P e|²        the sources against what none of them holds

Vincent, Gribonval and Févotte, "Performance measurement in blind audio source
separation", IEEE TASLP 14(4), 2006, with the time-invariant filters of its section
III.B; the numbers are those of ``mir_eval.separation.bss_eval_sources`` 0.8.

One factorisation of the references' correlations serves every estimate. Energies come
from the projections themselves (in the spectrum, by Parseval), not from inner products
of filters and correlations: those cancel when an estimate is nearly perfect.
"""

import functools
import itertools
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import scipy.fft
import scipy.linalg
from numpy.lib.stride_tricks import sliding_window_view
from threadpoolctl import ThreadpoolController

from spatialjax.errors import check_shape
from spatialjax.typing import HostArray

NUM_TAPS = 512
"""Length of the allowed distortion filter, in samples."""

SILENCE = 1e-5
"""A signal whose absolute values add up to no more than this is silent."""


_BLAS_LOCK = threading.Lock()
"""The number of BLAS threads belongs to the process: one caller sets it at a time."""


@functools.cache
def _blas() -> ThreadpoolController:
    """Control over BLAS, whose own threads would only get in the way of ours."""
    return ThreadpoolController().select(user_api="blas")


class BssScores(NamedTuple):
    """Ratios in dB and their weights, each ``[..., n]``.

    The weight of all sources of an item is 0, and so are its values, where a reference
    or an estimate of it is silent. A value may be infinite (the SIR of a single
    source) or, for an estimate that is not finite, NaN.
    """

    sdr_db: HostArray
    sir_db: HostArray
    sar_db: HostArray
    weight: HostArray


def bss_eval_sources(
    references: HostArray,
    estimates: HostArray,
    num_taps: int = NUM_TAPS,
    num_threads: int | None = None,
) -> BssScores:
    """SDR, SIR and SAR of estimates against the references of the same position.

    Args:
      references: true sources ``[..., n, t]``.
      estimates: ``[..., n, t]``, or ``[..., 1, t]`` for one signal (such as the
        mixture) that is compared with every reference.
      num_taps: length of the distortion filter in samples.
      num_threads: items evaluated at once; None for one per processor.

    Raises:
      ShapeError: the shapes do not fit.
    """
    return bss_eval_sets(references, [estimates], num_taps, num_threads)[0]


def bss_eval_sets(
    references: HostArray,
    estimate_sets: Sequence[HostArray],
    num_taps: int = NUM_TAPS,
    num_threads: int | None = None,
) -> list[BssScores]:
    """The scores of several sets of estimates of the same references.

    As `bss_eval_sources`, but the references are transformed and factorised once, so
    that a baseline costs little beside the estimates.
    """
    sizes = check_shape("references", references, "... n t")
    leading = references.shape[:-2]
    for estimates in estimate_sets:
        single = estimates.ndim > 1 and estimates.shape[-2] == 1
        check_shape("estimates", estimates, "... 1 t" if single else "... n t", sizes)
        check_shape("estimates", estimates[..., 0, 0], " ".join(map(str, leading)))
    items = np.reshape(references, (-1, *references.shape[-2:]))
    sets = [np.reshape(e, (len(items), *e.shape[-2:])) for e in estimate_sets]

    def evaluate(item: int) -> HostArray:
        return _item_scores(items[item], [e[item] for e in sets], num_taps)

    threads = min(num_threads or os.cpu_count() or 1, max(len(items), 1))
    with _BLAS_LOCK, _blas().limit(limits=1), ThreadPoolExecutor(threads) as pool:
        scores = list(pool.map(evaluate, range(len(items))))
    shape = (len(sets), 4, *leading, sizes["n"])
    table = np.moveaxis(np.reshape(scores, (len(items), *shape[:2], shape[-1])), 0, 2)
    return [BssScores(*columns) for columns in np.reshape(table, shape)]


def bss_eval_permuted(
    references: HostArray,
    estimates: HostArray,
    num_taps: int = NUM_TAPS,
    num_threads: int | None = None,
) -> tuple[BssScores, HostArray]:
    """The scores in the order of the estimates that has the highest mean SIR.

    The second value ``[..., n]`` holds the index of the estimate of each reference.
    """
    num_sources = check_shape("references", references, "... n t")["n"]
    check_shape("estimates", estimates, "... n t", {"n": num_sources})
    singles = [estimates[..., k : k + 1, :] for k in range(num_sources)]
    sets = bss_eval_sets(references, singles, num_taps, num_threads)
    every = [np.stack(values, axis=-2) for values in zip(*sets, strict=True)]
    orders = np.array(list(itertools.permutations(range(num_sources))))
    sir_db = every[1][..., orders, np.arange(num_sources)].mean(-1)
    order = orders[np.argmax(sir_db, axis=-1)]
    scores = [np.take_along_axis(v, order[..., None, :], -2)[..., 0, :] for v in every]
    scores[3] = np.broadcast_to(scores[3].min(-1, keepdims=True), scores[3].shape)
    return BssScores(*scores), order


def _item_scores(
    references: HostArray, estimate_sets: list[HostArray], num_taps: int
) -> HostArray:
    """SDR, SIR, SAR and weight ``[sets, 4, n]`` of one item."""
    num_sources = len(references)
    scores = np.zeros((len(estimate_sets), 4, num_sources))
    if _any_silent(references):
        return scores
    kept = [k for k, e in enumerate(estimate_sets) if not _any_silent(e)]
    if not kept:
        return scores
    scores[kept, 3] = 1.0
    estimates = np.concatenate([estimate_sets[k] for k in kept], dtype=np.float64)
    if not (np.isfinite(references).all() and np.isfinite(estimates).all()):
        scores[kept, :3] = np.nan
        return scores
    rows: list[int] = []
    for k in kept:
        first = rows[-1] + 1 if rows else 0
        each = len(estimate_sets[k]) > 1
        rows += [first + each * source for source in range(num_sources)]
    ratios = _ratios_db(references.astype(np.float64), estimates, rows, num_taps)
    scores[kept, :3] = np.reshape(ratios, (len(kept), num_sources, 3)).swapaxes(1, 2)
    return scores


def _any_silent(signals: HostArray) -> bool:
    """Whether one of the signals ``[n, t]`` is silent; NaN is not silence."""
    return bool((np.abs(signals).sum(-1, dtype=np.float64) <= SILENCE).any())


def _ratios_db(
    references: HostArray, estimates: HostArray, rows: list[int], num_taps: int
) -> HostArray:
    """SDR, SIR and SAR ``[len(rows), 3]``.

    Pair p compares estimate ``rows[p]`` with reference ``p mod n``.
    """
    num_sources, num_samples = references.shape
    n_fft = scipy.fft.next_fast_len(num_samples + num_taps - 1, real=True)
    sources = scipy.fft.rfft(references, n_fft)
    spectra = scipy.fft.rfft(estimates, n_fft)
    lags = _correlations(sources, n_fft, num_taps)
    # inner[m, i, a] = Σ_t s_i(t - a) e_m(t)
    inner = scipy.fft.irfft(sources.conj() * spectra[:, None], n_fft)[..., :num_taps]
    filters = _solve(lags, inner)
    joint = (scipy.fft.rfft(filters, n_fft) * sources).sum(1)
    ratios = np.empty((len(rows), 3))
    for source, spectrum in enumerate(sources):
        pairs = range(source, len(rows), num_sources)
        alone = slice(source, source + 1)
        chosen = [rows[p] for p in pairs]
        own = _solve(lags[alone, alone], inner[chosen, alone])
        targets = scipy.fft.rfft(own[:, 0], n_fft) * spectrum
        for p, row, target in zip(pairs, chosen, targets, strict=True):
            everything = joint[row] if num_sources > 1 else target
            target_energy = _energy(target, n_fft)
            ratios[p] = (
                _decibels(target_energy, _energy(spectra[row] - target, n_fft)),
                _decibels(target_energy, _energy(everything - target, n_fft)),
                _decibels(
                    _energy(everything, n_fft),
                    _energy(spectra[row] - everything, n_fft),
                ),
            )
    return ratios


def _correlations(sources: HostArray, n_fft: int, num_taps: int) -> HostArray:
    """``[n, n, 2 · taps - 1]``: Σ_t s_i(t) s_j(t + k) at k = 1 - taps ... taps - 1."""
    num_sources = len(sources)
    lags = np.empty((num_sources, num_sources, 2 * num_taps - 1))
    for i in range(num_sources):
        found = scipy.fft.irfft(sources[i].conj() * sources[i:], n_fft)
        lags[i, i:, : num_taps - 1] = found[:, n_fft - num_taps + 1 :]
        lags[i, i:, num_taps - 1 :] = found[:, :num_taps]
        lags[i:, i] = lags[i, i:, ::-1]
    return lags


def _gram(lags: HostArray) -> HostArray:
    """Inner products of all delayed references, ``[n · taps, n · taps]``.

    ``gram[i · taps + a, j · taps + b] = Σ_t s_i(t - a) s_j(t - b)``, a function of
    a - b: block (i, j) is a Toeplitz matrix.
    """
    num_sources, _, width = lags.shape
    num_taps = (width + 1) // 2
    blocks = sliding_window_view(lags, num_taps, axis=-1)[..., ::-1]
    return blocks.swapaxes(1, 2).reshape(num_sources * num_taps, -1)


def _solve(lags: HostArray, inner: HostArray) -> HostArray:
    """Filters ``[m, n, taps]`` that fulfil the normal equations of `inner`."""
    wanted = inner.reshape(len(inner), -1).T
    try:
        factor = scipy.linalg.cho_factor(
            _gram(lags).T, lower=True, overwrite_a=True, check_finite=False
        )
        found = scipy.linalg.cho_solve(factor, wanted, check_finite=False)
    except np.linalg.LinAlgError:
        found = _solve_singular(_gram(lags), wanted)
    return found.T.reshape(inner.shape)


def _solve_singular(gram: HostArray, wanted: HostArray) -> HostArray:
    """For references that predict each other, by the two steps of mir_eval."""
    try:
        return np.linalg.solve(gram, wanted)
    except np.linalg.LinAlgError:
        return np.linalg.lstsq(gram, wanted)[0]


def _energy(spectrum: HostArray, n_fft: int) -> float:
    """Energy of a real signal from its half spectrum, by Parseval, times n_fft."""
    ends = [0] if n_fft % 2 else [0, -1]
    return 2.0 * np.vdot(spectrum, spectrum).real - np.sum(abs(spectrum[ends]) ** 2)


def _decibels(numerator: float, denominator: float) -> float:
    """Ratio of energies in dB; infinite where nothing disturbs."""
    if denominator <= 0.0:
        return np.inf
    with np.errstate(divide="ignore"):
        return float(10.0 * np.log10(numerator / denominator))
