"""Mono sound and 360° pictures to ambisonics, as a task (Morgado et al., 2018).

The true W is heard, the channels above it are to be found: gains on the spectrum of W
(and, of the published head, offsets), so that windows of a stream are joined on one
spectrogram.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import jax.numpy as jnp

from spatialjax.ambisonics import num_channels
from spatialjax.audio import magnitude, pcm16_to_float
from spatialjax.errors import ConfigError
from spatialjax.losses import (
    energy_map_loss,
    intensity_loss,
    look_cross_entropy,
    multi_resolution_stft_loss,
)
from spatialjax.models import BinAttention, Field
from spatialjax.nn import EVAL, Mode
from spatialjax.tasks.base import (
    ArraySpec,
    Aux,
    BatchSpec,
    FieldSpec,
    Scores,
    Variables,
)
from spatialjax.tasks.field_augmentation import Shown, augment_field
from spatialjax.tasks.field_chain import FieldChain, HeardField
from spatialjax.tasks.field_nets import ConstantNet, FieldNet, Perceived
from spatialjax.tasks.field_scores import measure_field, score_field
from spatialjax.typing import Array, Batch, PyTree


@dataclass(frozen=True)
class FieldLossWeights:
    """Shares of the terms of the loss.

    `spectrum` is of the squared error over the energy of W, `looks` of the entropy of
    where bins look, if they do. The others are terms of `losses`, on signals.
    """

    spectrum: float
    multi_resolution: float
    energy_map: float
    intensity: float
    looks: float


@dataclass(frozen=True)
class SpatialAudio:
    """The task that a `SpatialAudioConfig` builds.

    `images` and `flow` are None for a net that does not see. In training scenes are
    turned and mirrored, as told.
    """

    chain: FieldChain
    net: FieldNet
    order: int
    images: ArraySpec | None
    flow: ArraySpec | None
    weights: FieldLossWeights
    turns: bool
    mirrors: bool

    @property
    def batch_spec(self) -> BatchSpec:
        rate_hz = float(self.chain.sample_rate_hz)
        shape = (1, num_channels(self.order), self.chain.num_samples)
        audio = ArraySpec(shape, "int16", "1/32768", rate_hz)
        spec = field_batch_spec(audio, self.images, self.flow)
        if seen := self.images or self.flow:
            times = ArraySpec(seen.shape[:2], "float32", "s from the middle")
            spec["image_time_s"] = times
        return spec

    def init(self, key: Array) -> Variables:
        """Fresh variables."""
        return self.net.init(key)

    def with_constant_gains(self, gains: Sequence[float]) -> "SpatialAudio":
        """The same task whose field looks and hears alike always, as a baseline.

        Raises:
          ConfigError: there is no gain for each channel above W.
        """
        above = num_channels(self.order) - 1
        if len(gains) != above:
            raise ConfigError(f"{len(gains)} gains are given for {above} channels")
        return dataclasses.replace(self, net=ConstantNet(tuple(gains)))

    def loss(
        self, variables: Variables, batch: Batch, key: Array, axis: str | None
    ) -> tuple[Array, Aux]:
        """Sum over the valid examples, each turned and mirrored by draws of its own."""
        signals, shown = augment_field(
            key,
            batch["example_id"],
            pcm16_to_float(batch["audio"][:, 0]),
            shown_of(batch),
            turns=self.turns,
            mirrors=self.mirrors,
        )
        heard = HeardField(signals, self.chain.transform(signals))
        mode = Mode(train=True, axis=axis)
        field, estimates, state = self._estimate(variables, heard, shown, batch, mode)
        valid = batch["valid"].astype(jnp.float32)
        total = (self._losses(field, estimates, heard, batch) * valid).sum()
        return total, Aux(valid.sum(), state, {})

    def predict(
        self, variables: Variables, batch: Batch, key: Array
    ) -> dict[str, Array]:
        """Signals, and the `loss` ``[b]``.

        `mono` ``[b, t]``; `estimates`, `targets` ``[b, c, t]``, the channels above it;
        `channel_mask` ``[b, c]`` of these; `attention` where the net has any.
        """
        del key
        chain, heard = self.chain, self.chain.hear(batch["audio"][:, 0])
        shown = shown_of(batch)
        field, estimates, _ = self._estimate(variables, heard, shown, batch, EVAL)
        true = chain.compared(heard.signals)
        outputs = {
            "loss": self._losses(field, estimates, heard, batch),
            "mono": true[:, 0],
            "targets": true[:, 1:],
            "estimates": chain.signals(estimates),
            "channel_mask": batch["channel_mask"][:, 0, 1:],
            "valid": batch["valid"],
        }
        if field.attention is not None:
            outputs["attention"] = field.attention
        return outputs

    def measure(self, outputs: dict[str, Array], batch: Batch) -> dict[str, Scores]:
        """Loss and scores of each item, of the device."""
        loss = Scores(outputs["loss"], batch["valid"].astype(jnp.float32))
        return {"loss": loss} | measure_field(outputs, self.chain.sample_rate_hz)

    def score(self, outputs: dict[str, Array], batch: Batch) -> dict[str, Scores]:
        """Earth mover's distances."""
        return score_field(outputs, batch)

    @property
    def field_spec(self) -> FieldSpec:
        """One example of the training."""
        chain, seen = self.chain, self.images or self.flow
        return FieldSpec(
            sample_rate_hz=chain.sample_rate_hz,
            n_fft=chain.n_fft,
            hop=chain.hop,
            num_frames=chain.num_frames,
            before=chain.before,
            after=chain.after,
            order=self.order,
            num_images=seen.shape[1] if seen else 0,
            image_size=(seen.shape[2], seen.shape[3]) if seen else (0, 0),
            has_video=self.images is not None,
            has_flow=self.flow is not None,
        )

    def spatialize(
        self, variables: Variables, spectrum: Array, shown: Shown, image_time_s: Array
    ) -> Array:
        """Spectra ``[b, c, f, k]`` above W, of one ``[b, f, before + k + after]``."""
        perceived = Perceived(magnitude(spectrum), shown, image_time_s)
        field, _ = self.net(variables, perceived, EVAL)
        return self.chain.apply(field, self.chain.kept(spectrum))

    def _estimate(
        self,
        variables: Variables,
        heard: HeardField,
        shown: Shown,
        batch: Batch,
        mode: Mode,
    ) -> tuple[Field, Array, PyTree]:
        """The field, the spectra ``[b, c, f, k]`` above W, and the state."""
        mono = heard.spectra[:, 0]
        times_s = batch["image_time_s"][:, 0] if "image_time_s" in batch else None
        perceived = Perceived(magnitude(mono), shown, times_s)
        field, state = self.net(variables, perceived, mode)
        return field, self.chain.apply(field, self.chain.kept(mono)), state

    def _losses(
        self, field: Field, estimates: Array, heard: HeardField, batch: Batch
    ) -> Array:
        """Loss ``[b]`` of spectra ``[b, c, f, k]`` above W."""
        chain, weights = self.chain, self.weights
        spectra = chain.kept(heard.spectra)
        mask = batch["channel_mask"][:, 0, 1:]
        errors = chain.errors(estimates, spectra[:, 1:], spectra[:, 0])
        loss = weights.spectrum * (errors * mask).sum(-1)
        if weights.looks and field.bins is not None:
            is_whole = mask[:, :3].min(-1)  # a direction takes all of first order
            loss += weights.looks * is_whole * self._look_losses(field.bins, spectra)
        if not (weights.multi_resolution or weights.energy_map or weights.intensity):
            return loss
        true = chain.compared(heard.signals)
        recorded = true[:, :1], mask[..., None] * true[:, 1:]
        found = recorded[0], mask[..., None] * chain.signals(estimates)
        own, true = (jnp.concatenate(parts, 1) for parts in (found, recorded))
        if weights.multi_resolution:
            loss += weights.multi_resolution * (
                multi_resolution_stft_loss(own, true)[:, 1:] * mask
            ).sum(-1)
        if weights.energy_map:
            loss += weights.energy_map * energy_map_loss(own, true)
        if weights.intensity:
            loss += weights.intensity * intensity_loss(own, true)
        return loss

    def _look_losses(self, bins: BinAttention, spectra: Array) -> Array:
        """Cross-entropy ``[b]`` of where bins look, and of spectra ``[b, c, f, k]``."""
        targets = self.chain.intensity(spectra, bins.logit.shape[2])
        return look_cross_entropy(bins.logit, bins.log_total, *targets)


def field_batch_spec(
    audio: ArraySpec, images: ArraySpec | None, flow: ArraySpec | None
) -> dict[str, ArraySpec]:
    """What a batch of sound fields holds, with the pictures that are there."""
    spec = {
        "audio": audio,
        "channel_mask": ArraySpec(audio.shape[:2], "float32", "1 if recorded"),
        "example_id": ArraySpec((), "int32", "index"),
        "valid": ArraySpec((), "bool", "truth"),
    }
    seen = {"images": images, "flow": flow}
    return spec | {name: array for name, array in seen.items() if array is not None}


def shown_of(batch: Batch) -> Shown:
    """The pictures ``[b, v, h, w, ...]`` of the one scene of each example."""
    return {name: batch[name][:, 0] for name in ("images", "flow") if name in batch}
