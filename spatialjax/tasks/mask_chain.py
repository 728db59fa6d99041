"""From the PCM of a batch to the masks of its sources, and from masks to estimates.

What separation by masks on a spectrogram shares, whatever network gives the masks:
mixing, transform, log-frequency rows, targets, losses, and the way back to sound.
"""

import enum
from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp

from spatialjax.audio import (
    PadMode,
    StftMethod,
    apply_mask,
    dominant_source_mask,
    enforce_mixture_consistency,
    hard_threshold,
    ideal_binary_mask,
    ideal_ratio_mask,
    istft,
    magnitude,
    mix,
    stft,
    unwarp_log_frequency,
    warp_log_frequency,
)
from spatialjax.losses import LossWeight, loss_weight, mask_bce, mask_l1, mask_l2
from spatialjax.nn import Activation, activate
from spatialjax.typing import Array, Batch

MIXTURE_FLOOR = 1e-10
"""Added to the magnitude of the mixture, not of the sources, before the logarithm."""


class MaskTarget(enum.Enum):
    """What the masks are trained towards."""

    BINARY = "binary"
    """1 where a source exceeds half of the mixture, each source judged by itself."""

    ARGMAX = "argmax"
    """1 for the loudest source of a bin alone; meant for more than two sources."""

    RATIO = "ratio"
    """Magnitude of the source over that of the mixture, at most 5."""


class MaskLoss(enum.Enum):
    """Distance between mask and target."""

    BCE = "bce"
    L1 = "l1"
    L2 = "l2"


class Heard(NamedTuple):
    """A batch of mixtures as signals, and as spectrograms of their mean channel."""

    mixture: Array  # [b, c, t]
    sources: Array  # [b, n, c, t]
    magnitude: Array  # [b, f, k], of the mixture
    source_magnitudes: Array  # [b, n, f, k]
    rows: Array  # [b, i, k], of the mixture, on the network's frequency axis
    source_rows: Array  # [b, n, i, k]


@dataclass(frozen=True)
class MaskChain:
    """The settings of the chain; `num_rows` 0 keeps the linear bins of the transform.

    A mask above `threshold` lets a bin through whole; None applies masks as they are.
    """

    n_fft: int
    hop: int
    pad_mode: PadMode
    method: StftMethod
    num_rows: int
    target: MaskTarget
    loss: MaskLoss
    weight: LossWeight
    activation: Activation
    threshold: float | None
    mixture_consistency: bool

    def hear(self, batch: Batch) -> Heard:
        """Mixtures and sources of a batch; the gain is applied here."""
        mixture, sources = mix(batch["audio"], batch["gain"])
        spectra = self._transform(sources.mean(-2))
        whole = magnitude(spectra.sum(1)) + MIXTURE_FLOOR  # the transform is linear
        parts = magnitude(spectra)
        return Heard(
            mixture, sources, whole, parts, self._warp(whole), self._warp(parts)
        )

    def losses(self, logits: Array, heard: Heard) -> Array:
        """Loss of each example ``[b]``: the mean over its sources ``[b, n, i, k]``."""
        target = self._ideal(heard.source_rows, heard.rows)
        weight = loss_weight(heard.rows, self.weight)[:, None]
        if self.loss is MaskLoss.BCE:
            return mask_bce(logits, target, weight).mean(1)
        distance = mask_l1 if self.loss is MaskLoss.L1 else mask_l2
        return distance(activate(logits, self.activation), target, weight).mean(1)

    def separate(self, logits: Array, heard: Heard) -> dict[str, Array]:
        """What the masks of logits ``[b, n, i, k]`` let through, and what was true.

        `estimates`, `sources` ``[b, n, c, t]``, `mixture` ``[b, c, t]``; on linear
        bins `mask`, `target_mask` ``[b, n, f, k]``, `loss_weight`, `magnitude`
        ``[b, f, k]``.
        """
        return self._let_through(self.masks(logits), heard)

    def masks(self, logits: Array) -> Array:
        """Masks ``[b, n, f, k]`` on linear bins, of logits ``[b, n, i, k]``."""
        mask = self._unwarp(activate(logits, self.activation))
        if self.threshold is not None:
            mask = hard_threshold(mask, self.threshold)
        return mask

    def rows(self, mixture_magnitude: Array) -> Array:
        """Magnitudes ``[..., i, k]`` of a mixture as the network reads them."""
        return self._warp(mixture_magnitude + MIXTURE_FLOOR)

    def separate_ideally(self, heard: Heard) -> dict[str, Array]:
        """As `separate`, with the target itself, made on the linear bins."""
        return self._let_through(
            self._ideal(heard.source_magnitudes, heard.magnitude), heard
        )

    def _let_through(self, mask: Array, heard: Heard) -> dict[str, Array]:
        masked = apply_mask(mask[:, None], self._transform(heard.mixture))
        estimates = istft(masked, self.hop, n_fft=self.n_fft, method=self.method)
        estimates = estimates.swapaxes(1, 2)  # [b, c, n, t] to [b, n, c, t]
        mixture = heard.mixture[..., : estimates.shape[-1]]
        if self.mixture_consistency:
            estimates = enforce_mixture_consistency(estimates, mixture, source_axis=-3)
        return {
            "estimates": jnp.clip(estimates, -1, 1),
            "sources": heard.sources[..., : estimates.shape[-1]],
            "mixture": mixture,
            "mask": mask,
            "target_mask": self._ideal(heard.source_magnitudes, heard.magnitude),
            "loss_weight": self._unwarp(loss_weight(heard.rows, self.weight)),
            "magnitude": heard.magnitude,
        }

    def _ideal(self, source_magnitudes: Array, mixture_magnitude: Array) -> Array:
        if self.target is MaskTarget.ARGMAX:
            return dominant_source_mask(source_magnitudes)
        is_ratio = self.target is MaskTarget.RATIO
        ideal = ideal_ratio_mask if is_ratio else ideal_binary_mask
        return ideal(source_magnitudes, mixture_magnitude)

    def _transform(self, signal: Array) -> Array:
        return stft(
            signal, self.n_fft, self.hop, pad_mode=self.pad_mode, method=self.method
        )

    def _warp(self, bins: Array) -> Array:
        return warp_log_frequency(bins, self.num_rows) if self.num_rows else bins

    def _unwarp(self, rows: Array) -> Array:
        num_bins = self.n_fft // 2 + 1
        return unwarp_log_frequency(rows, num_bins) if self.num_rows else rows
