"""Scores of separated sources and of sound fields, and their statistics."""

from spatialjax.metrics.bootstrap import Interval, bootstrap_mean
from spatialjax.metrics.bss_eval import (
    SILENCE,
    BssScores,
    bss_eval_permuted,
    bss_eval_sets,
    bss_eval_sources,
)
from spatialjax.metrics.emd import emd_hat
from spatialjax.metrics.si_sdr import SI_SDR_LIMIT_DB, si_sdr_db
from spatialjax.metrics.spatialaudiogen import (
    REPORTS,
    Report,
    envelope_distance,
    mean_square_error,
    peak_amplitude,
    report,
    snr_compat_db,
)
from spatialjax.metrics.spectral_distance import (
    log_spectral_distance_db,
    lsd_compat,
    mel_lsd_compat,
)
from spatialjax.metrics.weighted import Weighted

__all__ = [
    "REPORTS",
    "SILENCE",
    "SI_SDR_LIMIT_DB",
    "BssScores",
    "Interval",
    "Report",
    "Weighted",
    "bootstrap_mean",
    "bss_eval_permuted",
    "bss_eval_sets",
    "bss_eval_sources",
    "emd_hat",
    "envelope_distance",
    "log_spectral_distance_db",
    "lsd_compat",
    "mean_square_error",
    "mel_lsd_compat",
    "peak_amplitude",
    "report",
    "si_sdr_db",
    "snr_compat_db",
]
