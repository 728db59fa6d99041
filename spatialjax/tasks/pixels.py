"""Sound of Pixels as a task: mix-and-separate guided by pictures (Zhao et al., 2018).

The mixture of n clips is split by n masks over its spectrogram; the pictures of a clip
say which mask is its.
"""

import dataclasses
import enum
from dataclasses import dataclass
from typing import cast

import jax
import jax.numpy as jnp

from spatialjax.audio import PadMode, StftMethod, num_stft_frames
from spatialjax.config import register
from spatialjax.errors import ConfigError
from spatialjax.losses import LossWeight
from spatialjax.models import (
    FrameNet,
    SoundOfPixels,
    SoundOfPixelsSpec,
    SynthesizerKind,
)
from spatialjax.nn import (
    EVAL,
    Activation,
    Functional,
    Initialization,
    Mode,
    NormConfig,
    Pooling,
    activate,
    pool,
)
from spatialjax.tasks.base import (
    ArraySpec,
    Aux,
    BatchSpec,
    Scores,
    Variables,
    WindowSpec,
)
from spatialjax.tasks.mask_chain import Heard, MaskChain, MaskLoss, MaskTarget
from spatialjax.tasks.separation_scores import measure_separation, score_separation
from spatialjax.typing import Array, Batch, PyTree
from spatialjax.vision import Standardisation, standardise


@dataclass(frozen=True)
class Pixels:
    """The task that a `PixelsConfig` builds.

    With `is_ideal` it predicts the masks that training aims at, whatever its variables:
    the bound of the method.
    """

    chain: MaskChain
    model: Functional
    standardisation: Standardisation
    audio: ArraySpec
    images: ArraySpec
    is_ideal: bool = False

    @property
    def batch_spec(self) -> BatchSpec:
        n = self.audio.shape[0]
        return {
            "audio": self.audio,
            "images": self.images,
            "gain": ArraySpec((n,), "float32", "factor"),
            "class_id": ArraySpec((n,), "int32", "class, -1 unknown"),
            "example_id": ArraySpec((), "int32", "index"),
            "valid": ArraySpec((), "bool", "truth"),
        }

    def init(self, key: Array) -> Variables:
        """Fresh variables."""
        return Variables(*self.model.init(key))

    def loss(
        self, variables: Variables, batch: Batch, key: Array, axis: str | None
    ) -> tuple[Array, Aux]:
        """Sum over the valid examples; the loader has drawn everything random."""
        del key
        heard = self.chain.hear(batch)
        mode = Mode(train=True, axis=axis)
        logits, state = self._logits(variables, heard, batch, mode)
        valid = batch["valid"].astype(jnp.float32)
        total = (self.chain.losses(logits, heard) * valid).sum()
        return total, Aux(valid.sum(), state, {})

    def predict(
        self, variables: Variables, batch: Batch, key: Array
    ) -> dict[str, Array]:
        """The outputs of `MaskChain.separate`, and the `loss` ``[b]``."""
        del key
        heard = self.chain.hear(batch)
        if self.is_ideal:
            silent = jnp.zeros(len(batch["valid"]))
            return self.chain.separate_ideally(heard) | {"loss": silent}
        logits, _ = self._logits(variables, heard, batch, EVAL)
        loss = self.chain.losses(logits, heard)
        return self.chain.separate(logits, heard) | {"loss": loss}

    def measure(self, outputs: dict[str, Array], batch: Batch) -> dict[str, Scores]:
        """Loss of each item and SI-SDR of each source."""
        loss = Scores(outputs["loss"], batch["valid"].astype(jnp.float32))
        return {"loss": loss} | measure_separation(outputs, batch)

    def score(self, outputs: dict[str, Array], batch: Batch) -> dict[str, Scores]:
        """BSS-eval of each source."""
        return score_separation(outputs, batch)

    @property
    def window_spec(self) -> WindowSpec:
        """One example of the training."""
        num_samples = self.audio.shape[-1]
        n_fft, hop = self.chain.n_fft, self.chain.hop
        return WindowSpec(
            sample_rate_hz=int(self.audio.rate_hz or 0),
            n_fft=n_fft,
            hop=hop,
            num_frames=num_stft_frames(num_samples, n_fft, hop) // 2 * 2,
            num_images=self.images.shape[1],
            image_size=self.images.shape[2],
        )

    def hear(self, variables: Variables, magnitude: Array) -> Array:
        """Sound features ``[b, i, k, d]`` of magnitudes ``[b, f, k]``."""
        rows = jnp.log(self.chain.rows(magnitude))
        return self.model.apply(*variables, rows, EVAL, method="sound_features")[0]

    def see(self, variables: Variables, images: Array) -> Array:
        """Visual features ``[b, h', w', d]``, pooled over ``[b, v, h, w, 3]``."""
        pictures = standardise(images[:, None], self.standardisation)
        maps, _ = self.model.apply(*variables, pictures, EVAL, method="visual_map")
        return pool(maps[:, 0], 1, self._spec.frame_pooling)

    def query(self, places: Array, regions: Array) -> Array:
        """Visual vectors ``[b, n, d]``: a region is to it as a picture of its own."""
        spec = self._spec
        inside = jnp.asarray(regions, bool)[None, ..., None]
        cells = jnp.broadcast_to(
            places[:, None], (len(places), *regions.shape, places.shape[-1])
        )
        if spec.frame_pooling is Pooling.MAX:
            pooled = cells.max((2, 3), where=inside, initial=-jnp.inf)
        else:
            pooled = cells.mean((2, 3), where=inside)
        return activate(pooled, spec.frame_activation)

    def masks(self, variables: Variables, features: Array, query: Array) -> Array:
        """Masks ``[b, n, f, k]`` on the linear bins."""
        logits, _ = self.model.apply(*variables, query, features, method="logits")
        return self.chain.masks(logits)

    @property
    def _spec(self) -> SoundOfPixelsSpec:
        return cast(SoundOfPixelsSpec, self.model.config)

    def _logits(
        self, variables: Variables, heard: Heard, batch: Batch, mode: Mode
    ) -> tuple[Array, PyTree]:
        log_magnitude = jax.lax.stop_gradient(jnp.log(heard.rows))
        images = standardise(batch["images"], self.standardisation)
        return self.model.apply(*variables, log_magnitude, images, mode)


class Compat(enum.Enum):
    """Whose behaviour is reproduced where it differs from the sound one."""

    NONE = "none"

    SOUND_OF_PIXELS = "sound_of_pixels"
    """Batch statistics of each source by itself, an unbiased running variance and the
    published initial values."""


@register("pixels")
@dataclass
class PixelsConfig:
    """What is heard, seen and learnt; the defaults are the published values."""

    num_sources: int = 2
    """Clips in a mixture, 2 to 4."""
    num_samples: int = 65535
    """Samples of an example."""
    sample_rate_hz: int = 11025
    num_images: int = 3
    """Pictures of each source."""
    image_size: int = 224
    """Pixels along each side of a picture."""
    standardisation: Standardisation = Standardisation.IMAGENET

    n_fft: int = 1022
    """Samples of a frame of the transform."""
    hop: int = 256
    """Samples between frames."""
    pad_mode: PadMode = PadMode.REFLECT
    stft_method: StftMethod = StftMethod.AUTO
    log_frequency_rows: int = 256
    """Rows of the log-frequency axis; 0 keeps the linear bins."""

    num_channels: int = 32
    """Features that sound and picture share."""
    sound_downs: int = 7
    """Times that the sound network halves its sides: unet5, unet6 or unet7."""
    sound_width: int = 64
    """Channels of the first level of the sound network."""
    sound_activation: Activation = Activation.NONE
    frame_net: FrameNet = FrameNet.RESNET18_DILATED
    frame_width: int = 64
    """Channels of the first stage of a ResNet."""
    frame_widths: tuple[int, ...] = (16, 32, 64, 64)
    """Channels of the layers of the small frame network."""
    frame_pooling: Pooling = Pooling.MAX
    frame_activation: Activation = Activation.SIGMOID
    frame_init: str = "random"
    """Or the path of a ResNet-18 file in torchvision's layout, .pth or .safetensors."""
    synthesizer: SynthesizerKind = SynthesizerKind.LINEAR
    norm_group_size: int | None = None
    """Examples that share batch statistics; none takes the whole batch."""
    compute_dtype: str = "float32"
    """Of convolutions and matrix products: float32 or bfloat16."""

    target: MaskTarget = MaskTarget.BINARY
    mask_activation: Activation = Activation.SIGMOID
    loss: MaskLoss = MaskLoss.BCE
    loss_weight: LossWeight = LossWeight.LOG1P
    mask_threshold: float | None = 0.5
    """A mask above it lets a bin through whole; none applies masks as they are."""
    mixture_consistency: bool = False
    """Share what the estimates lack of the mixture equally among them."""
    compat: Compat = Compat.NONE

    def validate(self) -> None:
        """Refuse what cannot be trained.

        Raises:
          ConfigError: a value is out of range, or two do not go together.
        """
        if not 1 <= self.num_sources <= 4:
            raise ConfigError(f"num_sources is {self.num_sources}; give 1 to 4")
        for name in ("num_samples", "sample_rate_hz", "num_images", "image_size"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; give at least 1")
        if self.loss is MaskLoss.BCE:
            if self.mask_activation is not Activation.SIGMOID:
                given = self.mask_activation.value
                raise ConfigError(
                    f"loss bce needs mask_activation sigmoid, not {given}"
                )
            if self.target is MaskTarget.RATIO:
                raise ConfigError("target ratio exceeds 1; take loss l1 or l2 with it")
        self._check_threshold()
        if self.first_weights_file and self.frame_net is FrameNet.SMALL:
            raise ConfigError("frame_init reads a ResNet-18, but frame_net is small")
        self._spec().validate()
        self._check_sides()

    @property
    def first_weights_file(self) -> str | None:
        """The file that the first weights of the frame network come from."""
        return None if self.frame_init == "random" else self.frame_init

    def build(self) -> Pixels:
        """The frozen task."""
        n, rate_hz = self.num_sources, float(self.sample_rate_hz)
        size = self.image_size
        return Pixels(
            self._chain(),
            Functional(SoundOfPixels, self._spec()),
            self.standardisation,
            ArraySpec((n, 1, self.num_samples), "int16", "1/32768", rate_hz),
            ArraySpec((n, self.num_images, size, size, 3), "uint8", "level"),
        )

    def _chain(self) -> MaskChain:
        return MaskChain(
            n_fft=self.n_fft,
            hop=self.hop,
            pad_mode=self.pad_mode,
            method=self.stft_method,
            num_rows=self.log_frequency_rows,
            target=self.target,
            loss=self.loss,
            weight=self.loss_weight,
            activation=self.mask_activation,
            threshold=self.mask_threshold,
            mixture_consistency=self.mixture_consistency,
        )

    def _spec(self) -> SoundOfPixelsSpec:
        names = {entry.name for entry in dataclasses.fields(SoundOfPixelsSpec)}
        same = {k: v for k, v in vars(self).items() if k in names}
        is_published = self.compat is Compat.SOUND_OF_PIXELS
        drawn = Initialization.PUBLISHED if is_published else Initialization.FAN_IN
        norm = NormConfig(
            group_size=self.norm_group_size,
            per_source=is_published,
            unbiased=is_published,
        )
        return SoundOfPixelsSpec(**same, norm=norm, initialization=drawn)

    def _check_threshold(self) -> None:
        threshold = self.mask_threshold
        if threshold is None:
            return
        if self.target is MaskTarget.RATIO:
            raise ConfigError(
                "target ratio is of masks that apply as they are; give mask_threshold "
                f"none, not {threshold:g}"
            )
        if not 0 < threshold < 1:
            raise ConfigError(f"mask_threshold is {threshold:g}; give 0 to 1, or none")

    def _check_sides(self) -> None:
        if self.n_fft < 2 or self.n_fft % 2 or not 1 <= self.hop <= self.n_fft:
            raise ConfigError(
                f"n_fft is {self.n_fft} and hop {self.hop}; give an even n_fft and a "
                "hop between 1 and n_fft"
            )
        if self.num_samples <= self.n_fft // 2:
            least = self.n_fft // 2 + 1
            raise ConfigError(
                f"num_samples is {self.num_samples}; give at least {least}"
            )
        multiple = 2**self.sound_downs
        rows = self.log_frequency_rows or self.n_fft // 2 + 1
        frames = num_stft_frames(self.num_samples, self.n_fft, self.hop)
        for name, size in (("frequency rows", rows), ("frames", frames)):
            if size < multiple or size % multiple:
                raise ConfigError(
                    f"an example has {size} {name}; sound_downs {self.sound_downs} "
                    f"needs a multiple of {multiple}"
                )
