"""What each post-filter does to separated toy_band duets, and to a second microphone.

python -m tests.audio.postfilter_table --data_dir=data
"""

import argparse
import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from spatialjax.audio import (
    REFERENCE_SETTINGS,
    PostFilter,
    PostFilterPrimary,
    PostFilterSettings,
    apply_mask,
    cancel_reference,
    ideal_ratio_mask,
    init_cancel_reference,
    init_postfilter,
    istft,
    pcm16_to_float,
    postfilter,
    stft,
)
from spatialjax.data import open_dataset
from spatialjax.metrics import bss_eval_sets

N_FFT, HOP = 1022, 256
BAD_SHARES = (0.0, 0.1, 0.3)

NLMS = PostFilterSettings(kind=PostFilter.NLMS, step_size=0.005)
RLS = PostFilterSettings(kind=PostFilter.RLS)
POWER_IN_BINS = 383  # the sum of the squared window
IN_BINS = {
    "num_taps": 2,
    "floor_power": 1e-5 * POWER_IN_BINS,
    "initial_energy": 0.1 * POWER_IN_BINS,
}

ON_SIGNALS = {
    "none": PostFilterSettings(),
    "mixture consistency": PostFilterSettings(kind=PostFilter.MIXTURE_CONSISTENCY),
    "LMS, 16 taps, step 0.03": dataclasses.replace(
        NLMS, kind=PostFilter.LMS, step_size=0.03
    ),
    "NLMS, 16 taps, step 0.005": NLMS,
    "NLMS, 64 taps, step 0.005": dataclasses.replace(NLMS, num_taps=64),
    "NLMS, 16 taps, step 0.05": dataclasses.replace(NLMS, step_size=0.05),
    "NLMS, 16 taps, step 0.005, floor -30 dB": dataclasses.replace(
        NLMS, floor_power=1e-3
    ),
    "RLS, 16 taps, 0.9999": RLS,
    "RLS, 16 taps, 0.999": dataclasses.replace(RLS, forgetting_factor=0.999),
    "RLS, 16 taps, 0.9999, from the mixture": dataclasses.replace(
        RLS, primary=PostFilterPrimary.MIXTURE
    ),
}
ON_SPECTRA = {
    "Wiener": PostFilterSettings(kind=PostFilter.WIENER),
    "NLMS in bins, 2 frames, step 0.05": dataclasses.replace(
        NLMS, step_size=0.05, **IN_BINS
    ),
    "RLS in bins, 2 frames, 0.99": dataclasses.replace(
        RLS, forgetting_factor=0.99, **IN_BINS
    ),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data_dir", default="data")
    parser.add_argument("--mixtures", type=int, default=32)
    given = parser.parse_args()
    dataset = open_dataset(given.data_dir, "toy_band")
    clips = dataset.split("duets")[: given.mixtures]
    audio = [dataset.read_audio(clip, 0, clip.num_samples)[:, 0] for clip in clips]
    sources = pcm16_to_float(jnp.asarray(np.stack(audio)))  # [b, n, t]
    print_estimates(sources)
    print_second_microphone(sources[: given.mixtures // 2])


def print_estimates(sources):
    """SDR/SIR/SAR of masked estimates after each filter, by the share of bad bins."""
    columns = [filtered_estimates(sources, share) for share in BAD_SHARES]
    scores = [mean_scores(sources, column) for column in columns]
    print(f"SDR/SIR/SAR dB, mean of {len(sources)} duets, by the share of bad bins")
    print("| post-filter | " + " | ".join(f"{s:.0%}" for s in BAD_SHARES) + " |")
    print("|---" * 4 + "|")
    for name in scores[0]:
        print(f"| {name} | " + " | ".join(score[name] for score in scores) + " |")


def filtered_estimates(sources, bad_share):
    """Estimates [b, n, t] of each filter, from ideal ratio masks with bad bins.

    In a bad bin the mask is drawn evenly from 0 to 1, for each source for itself.
    """
    mixture, length = sources.sum(1), sources.shape[-1]
    spectrum = stft(mixture, N_FFT, HOP)
    magnitudes = jnp.abs(stft(sources, N_FFT, HOP))
    masks = ideal_ratio_mask(magnitudes, jnp.abs(spectrum), 1.0)
    keys = jax.random.split(jax.random.key(0))
    is_bad = jax.random.uniform(keys[0], masks.shape) < bad_share
    masks = jnp.where(is_bad, jax.random.uniform(keys[1], masks.shape), masks)
    spectra = apply_mask(masks, spectrum)
    signals = istft(spectra, HOP, length=length)
    found = {
        name: run(settings, signals, mixture) for name, settings in ON_SIGNALS.items()
    }
    for name, settings in ON_SPECTRA.items():
        found[name] = istft(run(settings, spectra, spectrum), HOP, length=length)
    return {name: np.asarray(estimates) for name, estimates in found.items()}


def run(settings, estimates, mixture):
    """Estimates [b, n, ...] after a filter."""
    first = jnp.moveaxis(estimates, 1, 0)
    state = init_postfilter(settings, first)
    return jnp.moveaxis(postfilter(settings, first, mixture, state)[0], 0, 1)


def mean_scores(sources, estimates):
    found = bss_eval_sets(np.asarray(sources), list(estimates.values()))
    return {
        name: "/".join(f"{ratio.mean():.2f}" for ratio in scores[:3])
        for name, scores in zip(estimates, found, strict=True)
    }


def print_second_microphone(sources):
    """Gain of SNR where the second source has a microphone of its own.

    It reaches the first microphone over a random path that decays by 60 dB, 8 samples
    before its own microphone hears it; that one may hear the first source, too.
    """
    cases = {  # length of the path in taps, level of the wanted in the reference
        "40 taps, no leak": (40, None),
        "40 taps, leak -40 dB": (40, -40),
        "40 taps, leak -20 dB": (40, -20),
        "400 taps, no leak": (400, None),
    }
    kinds = {
        "RLS": REFERENCE_SETTINGS,
        "RLS, 32 taps": dataclasses.replace(REFERENCE_SETTINGS, num_taps=32),
        "RLS, 0.9999": dataclasses.replace(
            REFERENCE_SETTINGS, forgetting_factor=0.9999
        ),
        "NLMS": dataclasses.replace(REFERENCE_SETTINGS, kind=PostFilter.NLMS),
        "NLMS, 0.05": dataclasses.replace(
            REFERENCE_SETTINGS, kind=PostFilter.NLMS, step_size=0.05
        ),
        "LMS": dataclasses.replace(REFERENCE_SETTINGS, kind=PostFilter.LMS),
    }
    sources = np.asarray(sources, np.float64)
    noise = np.random.default_rng(1).standard_normal(sources[:, 1].shape) * 0.1
    print(f"\nGain of SNR, dB, over 6 s, mean of {len(sources)}; SNR is 0 dB before")
    print("| path and leak, noise | " + " | ".join(kinds) + " |")
    print("|---" * (len(kinds) + 1) + "|")
    for name, (num_taps, leak_db) in cases.items():
        for kind, unwanted in (("music", sources[:, 1]), ("white", noise)):
            gains = [
                second_microphone_gain_db(
                    settings, sources[:, 0], unwanted, num_taps, leak_db
                )
                for settings in kinds.values()
            ]
            print(f"| {name}, {kind} | " + " | ".join(f"{g:.1f}" for g in gains) + " |")


def second_microphone_gain_db(settings, wanted, unwanted, num_taps, leak_db):
    """Mean over the items of signals [b, t]."""
    rng = np.random.default_rng(2)
    delay, length = settings.delay, wanted.shape[-1]
    filter_ = jax.jit(cancel_reference, static_argnums=0)
    gains = []
    for clean, noise in zip(wanted, unwanted, strict=True):
        decay = 10.0 ** (-3 * np.arange(num_taps) / num_taps)
        heard = np.convolve(noise, decay * rng.standard_normal(num_taps))[:length]
        heard *= np.linalg.norm(clean) / np.linalg.norm(heard)
        reference = np.append(np.zeros(8), noise[: length - 8])
        if leak_db is not None:
            reference += clean * 10 ** (leak_db / 20)
        pair = [
            jnp.asarray(np.append(signal, np.zeros(delay))[None], jnp.float32)
            for signal in (clean + heard, reference)
        ]
        result, _ = filter_(settings, *pair, init_cancel_reference(settings, 1, 1))
        residue = np.asarray(result[0, delay:], np.float64) - clean
        gains.append(20 * np.log10(np.linalg.norm(heard) / np.linalg.norm(residue)))
    return np.mean(gains)


if __name__ == "__main__":
    main()
