"""Scores of separation and their statistics."""

from spatialjax.metrics.bootstrap import Interval, bootstrap_mean
from spatialjax.metrics.bss_eval import (
    SILENCE,
    BssScores,
    bss_eval_permuted,
    bss_eval_sets,
    bss_eval_sources,
)
from spatialjax.metrics.si_sdr import SI_SDR_LIMIT_DB, si_sdr_db

__all__ = [
    "SILENCE",
    "SI_SDR_LIMIT_DB",
    "BssScores",
    "Interval",
    "bootstrap_mean",
    "bss_eval_permuted",
    "bss_eval_sets",
    "bss_eval_sources",
    "si_sdr_db",
]
