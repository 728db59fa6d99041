"""Settings of the task `SpatialAudio`."""

import dataclasses
import enum
import math
from dataclasses import dataclass, field
from typing import Any

from spatialjax.ambisonics import num_channels
from spatialjax.audio import StftMethod
from spatialjax.config import register
from spatialjax.errors import ConfigError
from spatialjax.models import (
    AudioOnlyField,
    AudioOnlyFieldSpec,
    DirectionalAttention,
    DirectionalAttentionSpec,
    SeparationKind,
    SpatialAudioGen,
    SpatialAudioGenSpec,
)
from spatialjax.models.spatialaudiogen import NUM_STEPS
from spatialjax.models.spatialaudiogen_chain import (
    CHUNK_SAMPLES,
    HOP,
    N_FFT,
    STREAM_ROWS,
)
from spatialjax.models.spatialaudiogen_encoders import NUM_FRAMES
from spatialjax.nn import Functional
from spatialjax.tasks.base import ArraySpec
from spatialjax.tasks.field_chain import FieldChain
from spatialjax.tasks.field_nets import (
    AttentionNet,
    AudioOnlyNet,
    ConstantNet,
    FieldNet,
    PublishedNet,
)
from spatialjax.tasks.field_scores import fewest_compared
from spatialjax.tasks.spatial_audio import FieldLossWeights, SpatialAudio
from spatialjax.tasks.spatialaudiogen import PublishedSpatialAudio


class Head(enum.Enum):
    """What gives the field."""

    DIRECTIONAL = "directional"
    """Our own: every sound looks for its place in the picture."""

    PUBLISHED = "published"
    """The network of spatialaudiogen."""

    AUDIO_ONLY = "audio_only"
    """A baseline without sight."""

    CONSTANT = "constant"
    """A baseline without anything: the same gains always."""


class FieldCompat(enum.Enum):
    """Whose behaviour is reproduced where it differs from the sound one."""

    NONE = "none"

    SPATIALAUDIOGEN = "spatialaudiogen"
    """Chunks in a row, misaligned steps, half the level, statistics of the batch in
    evaluation, and the published loss: `PublishedSpatialAudio`."""


def _check_counts(settings: object, *names: str) -> None:
    """Refuse counts, and tuples of them, below 1.

    Raises:
      ConfigError: names the first.
    """
    for name in names:
        value = getattr(settings, name)
        if min(value if isinstance(value, tuple) else (value,), default=1) < 1:
            raise ConfigError(f"{name} is {value}; give at least 1")


@register("directional_attention")
@dataclass
class DirectionalConfig:
    """Size of the directional attention; `AUDIO_ONLY` takes what concerns sound."""

    num_rows: int = 256
    """Rows of the log-frequency axis."""
    sound_downs: int = 5
    """Times that the sound network halves its sides."""
    sound_width: int = 32
    """Channels of its first level."""
    picture_strided: tuple[int, ...] = (32, 64, 128, 128)
    """Channels of the picture layers that halve the sides."""
    picture_kept: tuple[int, ...] = (128,)
    """Channels of those after them that do not."""
    num_features: int = 32
    """Features that a bin of the sound and a place of the picture share."""
    profile_width: int = 64
    """Hidden units between the spectrum of a window and what it asks for."""

    def validate(self) -> None:
        """Check the ranges.

        Raises:
          ConfigError: a value is out of range.
        """
        if not 2 <= self.sound_downs <= 10:
            raise ConfigError(f"sound_downs is {self.sound_downs}; give 2 to 10")
        _check_counts(self, "num_rows", "sound_width", "num_features", "profile_width")
        _check_counts(self, "picture_strided", "picture_kept")


@register("spatialaudiogen")
@dataclass
class PublishedConfig:
    """Size of the published network; the defaults are the published values."""

    num_tracks: int = 32
    separation: SeparationKind = SeparationKind.UNET_MASK
    audio_width: int = 32
    audio_units: int = 1024
    visual_width: int = 64
    visual_depth: tuple[int, ...] = (2, 2, 2, 2)
    visual_reduced_units: int = 128
    visual_units: int = 512
    localization_units: tuple[int, ...] = (512, 512)
    separation_units: int = 512


@register("spatial_audio_loss")
@dataclass
class FieldLossConfig:
    """Shares of the terms of the loss, see `FieldLossWeights`."""

    spectrum: float = 1.0
    multi_resolution: float = 0.0
    energy_map: float = 0.0
    intensity: float = 0.0
    looks: float = 0.4
    """Of the head directional alone; without it that learns to separate far slower."""

    def validate(self) -> None:
        """Refuse what is no share.

        Raises:
          ConfigError: a share is negative or infinite.
        """
        for name, share in vars(self).items():
            if not 0 <= share < math.inf:
                raise ConfigError(f"{name} is {share}; give 0 or more")


@register("spatial_audio")
@dataclass
class SpatialAudioConfig:
    """What is heard, seen and learnt."""

    head: Head = Head.DIRECTIONAL
    order: int = 1
    """Of the sound fields: 1 has 4 channels, 2 has 9, 3 has 16."""
    sample_rate_hz: int = 48000
    n_fft: int = 2048
    """Samples of a frame of the transform; the published head has 1024."""
    hop: int = 512
    """Samples between frames; the published head has 256."""
    stft_method: StftMethod = StftMethod.AUTO
    num_frames: int = 32
    """Frames of an example."""
    num_compared: int = 4800
    """Samples in the middle of an example that scores are taken over; `compat` takes
    its 4800."""

    num_images: int = 1
    """Pictures of an example."""
    image_height: int = 224
    """Pixels; a picture of the whole sphere is twice as wide."""
    has_video: bool = True
    has_flow: bool = False
    """Whether optical flow is seen."""

    directional: DirectionalConfig = field(default_factory=DirectionalConfig)
    published: PublishedConfig = field(default_factory=PublishedConfig)
    constant_gains: tuple[float, ...] = ()
    """Of the head constant, one for each channel above W; none are all 0."""

    loss: FieldLossConfig = field(default_factory=FieldLossConfig)
    """Not of `compat`, which has a loss of its own."""
    turns: bool = True
    """Whether training scenes are turned about the vertical."""
    mirrors: bool = True
    """Whether left and right of half of the training scenes trade places; `compat`
    never does that."""
    compute_dtype: str = "float32"
    """Of convolutions and matrix products: float32 or bfloat16."""
    compat: FieldCompat = FieldCompat.NONE

    def validate(self) -> None:
        """Refuse what cannot be trained.

        Raises:
          ConfigError: a value is out of range, or two do not go together.
        """
        _check_counts(self, "order", "sample_rate_hz", "n_fft", "hop", "num_frames")
        _check_counts(self, "num_compared", "num_images", "image_height")
        if self.compute_dtype not in ("float32", "bfloat16"):
            raise ConfigError(
                f"compute_dtype is {self.compute_dtype!r}; give float32 or bfloat16"
            )
        if self.compat is not FieldCompat.NONE and self.head is not Head.PUBLISHED:
            raise ConfigError(
                f"compat {self.compat.value} is of the head published, not of "
                f"{self.head.value}"
            )
        check = {
            Head.DIRECTIONAL: self._check_directional,
            Head.AUDIO_ONLY: self._check_sound,
            Head.PUBLISHED: self._check_published,
            Head.CONSTANT: self._check_constant,
        }
        check[self.head]()
        if self.compat is FieldCompat.NONE:
            self._check_loss()
        self._check_frames()

    def build(self) -> SpatialAudio | PublishedSpatialAudio:
        """The frozen task."""
        if self.compat is FieldCompat.SPATIALAUDIOGEN:
            model = Functional(SpatialAudioGen, self._published_spec())
            return PublishedSpatialAudio(model, self.sample_rate_hz, self.turns)
        chain = self._chain()
        sees = self.head in (Head.DIRECTIONAL, Head.PUBLISHED)
        size = (1, self.num_images, self.image_height, 2 * self.image_height)
        images = ArraySpec((*size, 3), "uint8", "level")
        flow = ArraySpec((*size, 2), "float16", "pixels")
        return SpatialAudio(
            chain=chain,
            net=self._net(chain),
            order=self.order,
            images=images if sees and self.has_video else None,
            flow=flow if sees and self.has_flow else None,
            weights=FieldLossWeights(**vars(self.loss)),
            turns=self.turns,
            mirrors=self.mirrors,
        )

    def _chain(self) -> FieldChain:
        before = after = 0
        if self.head is Head.PUBLISHED:
            before, after = STREAM_ROWS[0], NUM_FRAMES - STREAM_ROWS[1]
        return FieldChain(
            sample_rate_hz=self.sample_rate_hz,
            n_fft=self.n_fft,
            hop=self.hop,
            num_frames=self.num_frames,
            before=before,
            after=after,
            num_compared=self.num_compared,
            method=self.stft_method,
        )

    def _net(self, chain: FieldChain) -> FieldNet:
        if self.head is Head.CONSTANT:
            above = num_channels(self.order) - 1
            return ConstantNet(self.constant_gains or (0.0,) * above)
        if self.head is Head.AUDIO_ONLY:
            sound = AudioOnlyFieldSpec(**self._values(AudioOnlyFieldSpec))
            return AudioOnlyNet(Functional(AudioOnlyField, sound))
        if self.head is Head.DIRECTIONAL:
            own = DirectionalAttentionSpec(**self._values(DirectionalAttentionSpec))
            times_s = tuple(chain.frame_time_s.tolist())
            return AttentionNet(Functional(DirectionalAttention, own), times_s)
        return PublishedNet(Functional(SpatialAudioGen, self._published_spec()))

    def _published_spec(self) -> SpatialAudioGenSpec:
        return SpatialAudioGenSpec(
            **self._values(SpatialAudioGenSpec),
            image_size=(self.image_height, 2 * self.image_height),
        )

    def _check_frames(self) -> None:
        if self.n_fft % 2 or 2 * self.hop > self.n_fft:
            raise ConfigError(
                f"n_fft is {self.n_fft} and hop {self.hop}; give an even n_fft and a "
                "hop of at most half of it"
            )
        least, most = fewest_compared(self.sample_rate_hz), CHUNK_SAMPLES
        compared = CHUNK_SAMPLES
        if self.compat is FieldCompat.NONE:
            compared, most = self.num_compared, (self.num_frames - 1) * self.hop
        if not least <= compared <= most:
            raise ConfigError(
                f"{compared} samples are compared (num_compared); give at least the "
                f"{least} that the scores need at {self.sample_rate_hz} Hz, and at "
                f"most what {self.num_frames} frames hold, {most}"
            )

    def _check_loss(self) -> None:
        shares = dict(vars(self.loss))
        if self.head is not Head.DIRECTIONAL:
            del shares["looks"]
        if not any(shares.values()):
            raise ConfigError(
                f"all shares of the loss of the head {self.head.value} are 0 "
                f"({', '.join(shares)}); give at least one"
            )

    def _check_directional(self) -> None:
        self._check_sound()
        if not self.has_video:
            raise ConfigError("head directional looks for places; has_video is false")
        strided = self.directional.picture_strided
        multiple = 2 ** len(strided)
        if self.image_height % multiple or self.image_height < 2 * multiple:
            raise ConfigError(
                f"image_height is {self.image_height}; {len(strided)} strided picture "
                f"layers need a multiple of {multiple}, at least {2 * multiple}"
            )

    def _check_sound(self) -> None:
        downs, rows = self.directional.sound_downs, self.directional.num_rows
        multiple = 2**downs
        for name, size in (("num_rows", rows), ("num_frames", self.num_frames)):
            if size < multiple or size % multiple:
                raise ConfigError(
                    f"{name} is {size}; sound_downs {downs} needs a multiple of "
                    f"{multiple}"
                )

    def _check_published(self) -> None:
        self._published_spec().validate()
        given = (self.n_fft, self.hop, self.num_frames)
        wanted = (N_FFT, HOP, STREAM_ROWS[1] - STREAM_ROWS[0])
        if given != wanted:
            raise ConfigError(
                "head published has n_fft, hop and num_frames "
                f"{', '.join(map(str, wanted))}, not {', '.join(map(str, given))}"
            )
        if self.compat is FieldCompat.SPATIALAUDIOGEN:
            if self.num_images != 1:
                raise ConfigError(
                    f"num_images is {self.num_images}; compat {self.compat.value} "
                    "takes 1"
                )
        elif self.num_images not in (1, NUM_STEPS):
            raise ConfigError(
                f"num_images is {self.num_images}; head published takes 1, or "
                f"{NUM_STEPS} for one at each time step"
            )

    def _check_constant(self) -> None:
        above = num_channels(self.order) - 1
        if len(self.constant_gains) not in (0, above):
            raise ConfigError(
                f"constant_gains has {len(self.constant_gains)} values; give {above}, "
                "one for each channel above W, or none for mono"
            )
        if not all(map(math.isfinite, self.constant_gains)):
            raise ConfigError(f"constant_gains {self.constant_gains} are not finite")

    def _values(self, spec: type) -> dict[str, Any]:
        """The settings, by name, that a network has too."""
        part = self.published if spec is SpatialAudioGenSpec else self.directional
        values = vars(self) | vars(part)
        names = {entry.name for entry in dataclasses.fields(spec)}
        return {name: value for name, value in values.items() if name in names}
