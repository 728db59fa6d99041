"""What the name of a metric means, and what its mean is told as a fraction of."""

_BSS = "bss3_sources: BSS-eval v3, 512-tap filter, no permutation, float64, dB"
_PUBLISHED = "Morgado et al., 2018, published code"

VARIANTS = {
    "si_sdr": "si_sdr: one gain forgiven, means over time removed, dB",
    "sdr": _BSS,
    "sir": _BSS,
    "sar": _BSS,
    "stft": "squared error of spectra, Hann windows of 25 ms rounded up to a power of "
    f"two, half overlapping, mean over channels above W ({_PUBLISHED})",
    "mse": f"mean squared error of samples, mean over channels above W ({_PUBLISHED})",
    "env": "root mean squared error of Hilbert envelopes, mean over channels above W "
    f"({_PUBLISHED})",
    "lsd": "log-spectral distance of 10 log10(amplitude + 0.01), windows of 25 ms, "
    f"mean over channels above W ({_PUBLISHED})",
    "mel_lsd": "distance of 10 log10(power + 0.01) in 128 mel bands up to 12 kHz, mean "
    f"over channels above W ({_PUBLISHED})",
    "lsd_db": "log-spectral distance of levels, windows of 2048 samples, floor at "
    "-100 dB, mean over channels above W, dB (Gray and Markel, 1976)",
    "snr_db": "energy over that of the error, 0.1 added to both, mean over channels "
    f"above W, dB ({_PUBLISHED})",
    "emd": "emd_hat of root mean squares of cardioids at steps of 30 degrees, over 84 "
    f"({_PUBLISHED}; Pele and Werman, 2009)",
    "emd_normalised": f"as emd, of maps over their sums, radians ({_PUBLISHED})",
    "energy_emd_rad": "emd_hat of max-rE energy maps of mass 1 at 240 points, radians "
    "(Pele and Werman, 2009)",
    "direction_deg": "angle between intensity vectors, 90 without one, degrees "
    "(Merimaa and Pulkki, 2005)",
    "within_20_deg": "share of items whose direction_deg is below 20",
    "diffuseness_error": "absolute difference of diffuseness, 0 to 1 (Merimaa and "
    "Pulkki, 2005)",
    "map_correlation": "Pearson correlation of max-rE energy maps by area (as CC in "
    "Kim et al., ViSAGe, 2025)",
    "map_auc": "area under the ROC of the loudest directions of the true energy map "
    "(Judd et al., 2009; as in Kim et al., ViSAGe, 2025)",
}
"""The definition of a metric, by its name or by the first part of it."""

REFERENCES = {"stft": "mono_stft", "env": "mono_env", "emd": "mono_emd"}
"""Metrics whose mean is told also as a fraction of that of another: of doing nothing.

So it can be read whatever the level of the sounds is."""

MONO = "mono_"
"""Begins the names of scores of W alone."""


def variant(metric: str) -> str | None:
    """The definition of a metric such as ``sdr_improvement_db``, if it has a name."""
    if metric in VARIANTS:
        return VARIANTS[metric]
    if metric.removeprefix(MONO) in VARIANTS:
        return f"{metric.removeprefix(MONO)} of silence above W"
    stems = [stem for stem in VARIANTS if metric.startswith(stem + "_")]
    return VARIANTS[stems[0]] if stems else None
