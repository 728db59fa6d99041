"""Signals and spectra: pure functions on arrays, batched over leading axes."""

from spatialjax.audio.adaptive import (
    AdaptiveState,
    DoubleTalkGuard,
    init_adaptive,
)
from spatialjax.audio.adaptive_lms import lms, nlms
from spatialjax.audio.adaptive_postfilter import init_postfilter, postfilter
from spatialjax.audio.adaptive_reference import (
    REFERENCE_SETTINGS,
    cancel_reference,
    init_cancel_reference,
)
from spatialjax.audio.adaptive_rls import RlsState, init_rls, rls
from spatialjax.audio.adaptive_settings import (
    PostFilter,
    PostFilterPrimary,
    PostFilterSettings,
)
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
    pool_log_frequency,
    unwarp_log_frequency,
    unwarp_positions,
    warp_log_frequency,
    warp_positions,
)
from spatialjax.audio.wiener import wiener_masks

__all__ = [
    "PCM16_FULL_SCALE",
    "REFERENCE_SETTINGS",
    "AdaptiveState",
    "DoubleTalkGuard",
    "PadMode",
    "PostFilter",
    "PostFilterPrimary",
    "PostFilterSettings",
    "RlsState",
    "StftMethod",
    "apply_mask",
    "cancel_reference",
    "dominant_source_mask",
    "enforce_mixture_consistency",
    "fix_length",
    "frame_signal",
    "frames_to_spectrum",
    "hann_window",
    "hard_threshold",
    "ideal_binary_mask",
    "ideal_ratio_mask",
    "init_adaptive",
    "init_cancel_reference",
    "init_postfilter",
    "init_rls",
    "istft",
    "lms",
    "magnitude",
    "mix",
    "nlms",
    "num_stft_frames",
    "overlap_add",
    "pcm16_to_float",
    "pool_log_frequency",
    "phase",
    "postfilter",
    "rls",
    "spectrum_to_frames",
    "stft",
    "unwarp_log_frequency",
    "unwarp_positions",
    "warp_log_frequency",
    "warp_positions",
    "wiener_masks",
]
