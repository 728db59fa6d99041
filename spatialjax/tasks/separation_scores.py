"""Scores of separated sources; `outputs` are those of `MaskChain.separate`.

An item counts only if every reference and every estimate of it is audible: the rule of
the published evaluation (Zhao et al., 2018), here for SI-SDR too. How many items that
leaves stands beside each mean.
"""

import jax.numpy as jnp
import numpy as np

from spatialjax.metrics import SILENCE, bss_eval_sets, si_sdr_db
from spatialjax.tasks.base import Scores
from spatialjax.typing import Array, Batch


def measure_separation(outputs: dict[str, Array], batch: Batch) -> dict[str, Scores]:
    """SI-SDR of each source and of the mixture in its place, dB, all channels as one.

    Traced; values and weights are ``[b, n]``.
    """
    sources = _flat(outputs["sources"])
    estimates = _flat(outputs["estimates"])
    mixture = _flat(outputs["mixture"][:, None])
    loudness = jnp.abs(jnp.stack([sources, estimates])).sum(-1)
    has_silence = (loudness <= SILENCE).any((0, 2))  # NaN is no silence
    weight = (batch["valid"] & ~has_silence).astype(jnp.float32)
    weight = jnp.broadcast_to(weight[:, None], sources.shape[:2])
    own = si_sdr_db(estimates, sources)
    baseline = si_sdr_db(jnp.broadcast_to(mixture, sources.shape), sources)
    values = {
        "si_sdr_db": own,
        "si_sdr_mixture_db": baseline,
        "si_sdr_improvement_db": own - baseline,
    }
    return {name: Scores(value, weight) for name, value in values.items()}


def score_separation(outputs: dict[str, Array], batch: Batch) -> dict[str, Scores]:
    """BSS-eval v3 of each source, dB, with the mixture as baseline; channels averaged.

    On the host in float64; values and weights are ``[b, n]``.
    """
    estimates, sources, mixture = (
        np.asarray(outputs[name], np.float64).mean(-2)
        for name in ("estimates", "sources", "mixture")
    )
    own, baseline = bss_eval_sets(sources, [estimates, mixture[:, None]])
    weight = own.weight * baseline.weight * np.asarray(batch["valid"])[:, None]
    values = {
        "sdr_db": own.sdr_db,
        "sir_db": own.sir_db,
        "sar_db": own.sar_db,
        "sdr_mixture_db": baseline.sdr_db,
        "sdr_improvement_db": own.sdr_db - baseline.sdr_db,
    }
    return {name: Scores(value, weight) for name, value in values.items()}


def _flat(signals: Array) -> Array:
    return signals.reshape(*signals.shape[:2], -1)
