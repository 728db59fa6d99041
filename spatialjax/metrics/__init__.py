"""Scores of separated sources and of sound fields, and their statistics."""

from spatialjax.metrics.binaural import ild_db, ild_error_db, itd_error_s, itd_s
from spatialjax.metrics.bootstrap import Interval, bootstrap_mean, bootstrap_ratio
from spatialjax.metrics.bss_eval import (
    SILENCE,
    BssScores,
    bss_eval_permuted,
    bss_eval_sets,
    bss_eval_sources,
)
from spatialjax.metrics.directions import (
    diffuseness_error,
    direction_error_rad,
    order_energy_ratio_db,
)
from spatialjax.metrics.emd import emd_hat
from spatialjax.metrics.energy_maps import map_auc, map_correlation
from spatialjax.metrics.field_emd import DirectionalEmd, directional_emd, energy_emd
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
    "DirectionalEmd",
    "Interval",
    "Report",
    "Weighted",
    "bootstrap_mean",
    "bootstrap_ratio",
    "bss_eval_permuted",
    "bss_eval_sets",
    "bss_eval_sources",
    "diffuseness_error",
    "direction_error_rad",
    "directional_emd",
    "emd_hat",
    "energy_emd",
    "envelope_distance",
    "ild_db",
    "ild_error_db",
    "itd_error_s",
    "itd_s",
    "log_spectral_distance_db",
    "lsd_compat",
    "map_auc",
    "map_correlation",
    "mean_square_error",
    "mel_lsd_compat",
    "order_energy_ratio_db",
    "peak_amplitude",
    "report",
    "si_sdr_db",
    "snr_compat_db",
]
