"""Signals and spectra: pure functions on arrays, batched over leading axes."""

from spatialjax.audio.consistency import enforce_mixture_consistency
from spatialjax.audio.framing import fix_length, frame_signal, overlap_add
from spatialjax.audio.masks import (
    apply_mask,
    dominant_source_mask,
    hard_threshold,
    ideal_binary_mask,
    ideal_ratio_mask,
)
from spatialjax.audio.mixing import mix
from spatialjax.audio.pcm import PCM16_FULL_SCALE, pcm16_to_float
from spatialjax.audio.stft import (
    PadMode,
    StftMethod,
    frames_to_spectrum,
    hann_window,
    istft,
    magnitude,
    num_stft_frames,
    phase,
    spectrum_to_frames,
    stft,
)
from spatialjax.audio.warp import (
    unwarp_log_frequency,
    unwarp_positions,
    warp_log_frequency,
    warp_positions,
)

__all__ = [
    "PCM16_FULL_SCALE",
    "PadMode",
    "StftMethod",
    "apply_mask",
    "dominant_source_mask",
    "enforce_mixture_consistency",
    "fix_length",
    "frame_signal",
    "frames_to_spectrum",
    "hann_window",
    "hard_threshold",
    "ideal_binary_mask",
    "ideal_ratio_mask",
    "istft",
    "magnitude",
    "mix",
    "num_stft_frames",
    "overlap_add",
    "pcm16_to_float",
    "phase",
    "spectrum_to_frames",
    "stft",
    "unwarp_log_frequency",
    "unwarp_positions",
    "warp_log_frequency",
    "warp_positions",
]
