"""spatialaudiogen as it was published, with its defects (Morgado et al., 2018).

Chunks of 0.1 s are put in a row as they come; weights jump three times in each, and
belong to other times; the tracks have half their level; pictures are normalised by the
statistics of their batch, in evaluation too; the end of a chunk has no say in the loss.
The task `SpatialAudio` with the same network does without all that.
"""

from dataclasses import dataclass
from typing import cast

import jax
import jax.numpy as jnp

from spatialjax.ambisonics import num_channels
from spatialjax.audio import pcm16_to_float
from spatialjax.losses import masked_mean_shares, stft_compat_loss
from spatialjax.models import SpatialAudioGenSpec
from spatialjax.models.spatialaudiogen_chain import (
    CHUNK_ROWS,
    CHUNK_SAMPLES,
    CHUNK_START,
    WINDOW_SAMPLES,
    render_window,
    window_magnitude,
)
from spatialjax.nn import Functional, Mode
from spatialjax.tasks.base import (
    ArraySpec,
    Aux,
    BatchSpec,
    ChunkSpec,
    Scores,
    Variables,
)
from spatialjax.tasks.field_augmentation import Shown, augment_field
from spatialjax.tasks.field_nets import see_as_published
from spatialjax.tasks.field_scores import measure_field, score_field
from spatialjax.tasks.spatial_audio import field_batch_spec, shown_of
from spatialjax.typing import Array, Batch, PyTree

LOSS_SCALE = 100.0
"""Of the published loss."""


@dataclass(frozen=True)
class PublishedSpatialAudio:
    """The task that a `SpatialAudioConfig` with ``compat="spatialaudiogen"`` builds."""

    model: Functional
    sample_rate_hz: int
    turns: bool

    @property
    def spec(self) -> SpatialAudioGenSpec:
        """Of the network."""
        return cast(SpatialAudioGenSpec, self.model.config)

    @property
    def batch_spec(self) -> BatchSpec:
        spec, rate_hz = self.spec, float(self.sample_rate_hz)
        # One sample more than is heard: the middle is then that of the chunk.
        shape = (1, num_channels(spec.order), WINDOW_SAMPLES + 1)
        size = (1, 1, *spec.image_size)
        return field_batch_spec(
            ArraySpec(shape, "int16", "1/32768", rate_hz),
            ArraySpec((*size, 3), "uint8", "level") if spec.has_video else None,
            ArraySpec((*size, 2), "float16", "pixels") if spec.has_flow else None,
        )

    def init(self, key: Array) -> Variables:
        """Fresh variables."""
        return Variables(*self.model.init(key))

    def loss(
        self, variables: Variables, batch: Batch, key: Array, axis: str | None
    ) -> tuple[Array, Aux]:
        """The published loss times the number of examples.

        Each channel has the mean over the examples that recorded it, on all devices.
        """
        signals, shown = augment_field(
            key,
            batch["example_id"],
            pcm16_to_float(batch["audio"][:, 0]),
            shown_of(batch),
            turns=self.turns,
            mirrors=False,
        )
        mode = Mode(train=True, axis=axis)
        estimates, state = self._render(variables, signals[:, 0], shown, mode)
        valid = batch["valid"].astype(jnp.float32)
        errors = stft_compat_loss(estimates, _chunk(signals)[:, 1:])
        mask = batch["channel_mask"][:, 0, 1:] * valid[:, None]
        shares = masked_mean_shares(LOSS_SCALE * errors, mask, axis)
        count = valid.sum()
        of_all = count if axis is None else jax.lax.psum(count, axis)
        return shares.mean() * of_all, Aux(count, state, {})

    def predict(
        self, variables: Variables, batch: Batch, key: Array
    ) -> dict[str, Array]:
        """The outputs of `SpatialAudio.predict`, of the chunk."""
        del key
        signals = pcm16_to_float(batch["audio"][:, 0])
        mono = signals[:, 0, :WINDOW_SAMPLES]
        mode = Mode(train=True)
        estimates, _ = self._render(variables, mono, shown_of(batch), mode)
        true, mask = _chunk(signals), batch["channel_mask"][:, 0, 1:]
        errors = LOSS_SCALE * stft_compat_loss(estimates, true[:, 1:])
        return {
            "loss": (errors * mask).mean(-1),
            "mono": true[:, 0],
            "targets": true[:, 1:],
            "estimates": estimates,
            "channel_mask": mask,
            "valid": batch["valid"],
        }

    def measure(self, outputs: dict[str, Array], batch: Batch) -> dict[str, Scores]:
        """Loss and scores of each item, of the device."""
        loss = Scores(outputs["loss"], batch["valid"].astype(jnp.float32))
        return {"loss": loss} | measure_field(outputs, self.sample_rate_hz)

    def score(self, outputs: dict[str, Array], batch: Batch) -> dict[str, Scores]:
        """Earth mover's distances."""
        return score_field(outputs, batch)

    @property
    def chunk_spec(self) -> ChunkSpec:
        """One example of the training."""
        return ChunkSpec(
            sample_rate_hz=self.sample_rate_hz,
            num_samples=WINDOW_SAMPLES,
            start=CHUNK_START,
            num_given=CHUNK_SAMPLES,
            order=self.spec.order,
            image_size=self.spec.image_size,
            has_video=self.spec.has_video,
            has_flow=self.spec.has_flow,
        )

    def spatialize_chunks(
        self, variables: Variables, mono: Array, shown: Shown, is_filler: Array
    ) -> Array:
        """Samples ``[b, c, 4800]`` above W of windows ``[b, 52799]``.

        Pictures are normalised by the statistics of these windows; under `pmap`, of
        those on the same device. Fillers take part as plain grey, without motion.
        """
        mode = Mode(train=True)
        return self._render(variables, mono, shown, mode, is_filler)[0]

    def _render(
        self,
        variables: Variables,
        mono: Array,
        shown: Shown,
        mode: Mode,
        is_filler: Array | None = None,
    ) -> tuple[Array, PyTree]:
        mono = mono[:, :WINDOW_SAMPLES]
        images, flow = see_as_published(shown, self.spec)
        if is_filler is not None:
            images, flow = (
                None if seen is None else _blank(seen, is_filler)
                for seen in (images, flow)
            )
        tracks, state = self.model.apply(
            *variables, window_magnitude(mono), images, flow, CHUNK_ROWS, mode
        )
        return render_window(mono, tracks), state


def _blank(seen: Array, rows: Array) -> Array:
    """Pictures ``[b, v, h, w, i]`` around 0 that are 0 in some rows ``[b]``."""
    return jnp.where(rows[:, None, None, None, None], 0, seen)


def _chunk(signals: Array) -> Array:
    """The samples of the chunk, of those of a window."""
    return signals[..., CHUNK_START : CHUNK_START + CHUNK_SAMPLES]
