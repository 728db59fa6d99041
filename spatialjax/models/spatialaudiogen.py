"""The network of spatialaudiogen: mono sound and a 360° picture to tracks and weights.

Morgado, Vasconcelos, Langlois, Wang: "Self-Supervised Generation of Spatial Audio for
360° Video", NeurIPS 2018, layer for layer as its public code. Beyond it: any
ambisonic order, all channels from the mono sound; several pictures of a window.

The published evaluation normalised pictures by the statistics of their batch. To have
the same, call with ``Mode(train=True)`` and drop the new state.
"""

import enum
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from spatialjax.errors import ConfigError, ShapeError, check_shape
from spatialjax.models.spatialaudiogen_encoders import (
    AUDIO_LAYERS,
    NUM_BINS,
    PUBLISHED_NORM,
    AudioEncoder,
    VisualConfig,
    VisualEncoder,
)
from spatialjax.models.spatialaudiogen_separation import Rows, Separation, fold_masks
from spatialjax.nn.dense import Dense
from spatialjax.nn.initializers import (
    Draws,
    Initializer,
    glorot_uniform,
    truncated_normal,
)
from spatialjax.nn.norm import Mode, NormConfig
from spatialjax.typing import Array

NUM_STEPS = 3
"""Time steps of the deepest audio features, and so of weights, in one window."""

DEEPEST_BINS = 6
"""Places along frequency of the deepest audio features."""

TRACK_GAIN = 0.5
"""What the published inverse transform leaves of a signal under a mask of ones."""


class SeparationKind(enum.Enum):
    """How the mono sound is taken apart: not at all, or by masks of a U-Net."""

    NONE = "none"
    UNET_MASK = "unet_mask"


@dataclass(frozen=True)
class SpatialAudioGenSpec:
    """Everything that decides the parameters and the function of `SpatialAudioGen`.

    The defaults are the published sizes. The outputs are the ambisonic channels above
    W up to `order`. `audio_width` channels leave the first audio layer, `visual_width`
    the first visual stage; both double on their way. `visual_depth` counts the blocks
    of each stage. `image_size` is height and width in pixels.
    """

    has_video: bool = True
    has_flow: bool = True
    separation: SeparationKind = SeparationKind.UNET_MASK
    num_tracks: int = 32
    order: int = 1
    audio_width: int = 32
    audio_units: int = 1024
    visual_width: int = 64
    visual_depth: tuple[int, ...] = (2, 2, 2, 2)
    visual_reduced_units: int = 128
    visual_units: int = 512
    image_size: tuple[int, int] = (224, 448)
    localization_units: tuple[int, ...] = (512, 512)
    separation_units: int = 512
    has_shortcut_bias: bool = False
    norm: NormConfig = PUBLISHED_NORM
    compute_dtype: str = "float32"

    def validate(self) -> None:
        """Check the ranges.

        Raises:
          ConfigError: a value is out of range.
        """
        self.norm.validate()
        for name in (
            *("num_tracks", "order", "audio_width", "audio_units", "visual_width"),
            *("visual_reduced_units", "visual_units", "separation_units"),
            *("visual_depth", "image_size", "localization_units"),
        ):
            value = getattr(self, name)
            sizes = value if isinstance(value, tuple) else (value,)
            if min(sizes, default=0) < 1:
                raise ConfigError(f"{name} is {value}; give at least 1")
        if self.compute_dtype not in ("float32", "bfloat16"):
            raise ConfigError(
                f"compute_dtype is {self.compute_dtype!r}; give float32 or bfloat16"
            )

    @property
    def streams(self) -> tuple[str, ...]:
        """The visual streams, in the order of their features."""
        is_there = {"video": self.has_video, "flow": self.has_flow}
        return tuple(name for name, there in is_there.items() if there)

    @property
    def num_outputs(self) -> int:
        """Ambisonic channels above W."""
        return (self.order + 1) ** 2 - 1

    @property
    def num_mixed(self) -> int:
        """Tracks that the outputs are mixed from."""
        return 1 if self.separation is SeparationKind.NONE else self.num_tracks

    @property
    def visual(self) -> VisualConfig:
        """The configuration of a visual encoder."""
        return VisualConfig(
            self.visual_width,
            self.visual_depth,
            self.has_shortcut_bias,
            self.norm,
            self.compute_dtype,
        )

    @property
    def fused_width(self) -> int:
        """Features of a time step from hearing and sight."""
        return self.audio_units + len(self.streams) * self.visual_units

    def build_dense(
        self, inputs: int, outputs: int, rngs: Draws, init: Initializer = glorot_uniform
    ) -> Dense:
        """A dense layer."""
        dtype = jnp.dtype(self.compute_dtype)
        return Dense(inputs, outputs, kernel_init=init, dtype=dtype, rngs=rngs)


class Tracks(NamedTuple):
    """What the network makes of a window.

    Output o is the sum over tracks n of weight times track, and a bias. `weights`
    ``[b, 3, o, n]`` and `bias` ``[b, 3, o]`` belong to the three time steps, `masks`
    ``[b, n, f, k]``, of 513 bins, to the wanted rows. All are float32.
    """

    weights: Array
    bias: Array
    masks: Array


class Bottleneck(nnx.Module):
    """Dense layers that make one vector of a time step or of a picture."""

    def __init__(self, spec: SpatialAudioGenSpec, *, rngs: Draws) -> None:
        deepest = spec.audio_width * 2 ** (len(AUDIO_LAYERS) - 1)
        inputs = DEEPEST_BINS * deepest
        self.audio_fc = spec.build_dense(inputs, spec.audio_units, rngs)
        channels = spec.visual_width * 2 ** (len(spec.visual_depth) - 1)
        height, width = (-(-s // spec.visual.total_stride) for s in spec.image_size)
        reduced = spec.visual_reduced_units
        for stream in spec.streams:
            reduce = spec.build_dense(channels, reduced, rngs)
            setattr(self, f"{stream}_fc_red", reduce)
            whole = spec.build_dense(height * width * reduced, spec.visual_units, rngs)
            setattr(self, f"{stream}_fc", whole)

    def hear(self, deepest: Array) -> Array:
        """Vectors ``[b, 3, d]`` of the deepest audio features ``[b, 3, 6, c]``."""
        flat = deepest.reshape(*deepest.shape[:2], -1)
        return jax.nn.relu(self.audio_fc(flat))

    def see(self, stream: str, visual_map: Array) -> Array:
        """Vectors ``[rows, d]`` of features ``[rows, h', w', c]``."""
        reduced = jax.nn.relu(getattr(self, f"{stream}_fc_red")(visual_map))
        flat = reduced.reshape(len(reduced), -1)
        return jax.nn.relu(getattr(self, f"{stream}_fc")(flat))


class Localization(nnx.Module):
    """Dense layers from a time step to the weights of its tracks."""

    def __init__(self, spec: SpatialAudioGenSpec, *, rngs: Draws) -> None:
        inputs = spec.fused_width
        self.num_hidden = len(spec.localization_units)
        for index, units in enumerate(spec.localization_units):
            setattr(self, f"fc{index + 1}", spec.build_dense(inputs, units, rngs))
            inputs = units
        outputs = spec.num_outputs * (spec.num_mixed + 1)
        last = spec.build_dense(inputs, outputs, rngs, truncated_normal(0.001))
        setattr(self, f"fc{self.num_hidden + 1}", last)

    def __call__(self, x: Array) -> Array:
        for index in range(self.num_hidden):
            x = jax.nn.relu(getattr(self, f"fc{index + 1}")(x))
        return getattr(self, f"fc{self.num_hidden + 1}")(x)


class SpatialAudioGen(nnx.Module):
    """Tracks of mono sound, and their weights in the ambisonic channels above W."""

    def __init__(self, spec: SpatialAudioGenSpec, *, rngs: Draws) -> None:
        dtype = jnp.dtype(spec.compute_dtype)
        self.spec = spec
        self.audio_encoder = AudioEncoder(spec.audio_width, dtype=dtype, rngs=rngs)
        for stream in spec.streams:
            encoder = VisualEncoder(spec.visual, rngs=rngs)
            setattr(self, f"{stream}_encoder", encoder)
        self.bottleneck = Bottleneck(spec, rngs=rngs)
        self.localization = Localization(spec, rngs=rngs)
        self.separation = (
            Separation(
                spec.fused_width,
                spec.separation_units,
                spec.audio_width,
                spec.num_tracks,
                dtype=dtype,
                rngs=rngs,
            )
            if spec.separation is SeparationKind.UNET_MASK
            else None
        )

    def __call__(
        self,
        magnitude: Array,
        images: Array | None,
        flow: Array | None,
        rows: Rows,
        mode: Mode,
    ) -> Tracks:
        """What `see` and `listen` make of a window."""
        return self.listen(magnitude, self.see(images, flow, mode), rows)

    def see(self, images: Array | None, flow: Array | None, mode: Mode) -> Array | None:
        """Visual vectors ``[b, v, d]``, or None for a network without sight.

        Args:
          images: pictures ``[b, v, h, w, 3]`` in [-0.5, 0.5]; v is 1, or 3 for one at
            each time step.
          flow: optical flow ``[b, v, h, w, 3]``: two components and length, pixels.
          mode: how the norms treat the batch.

        Raises:
          ShapeError: what a stream of the network needs is absent or of another size.
        """
        vectors = []
        inputs = {"video": images, "flow": flow}
        for stream in self.spec.streams:
            given = inputs[stream]
            if given is None:
                raise ShapeError(f"the network sees {stream}, but none was given")
            height, width = self.spec.image_size
            sizes = check_shape(stream, given, f"b v {height} {width} 3")
            rows = given.reshape(-1, *given.shape[2:])
            encode = getattr(self, f"{stream}_encoder")
            visual_map = encode(rows, mode.with_rows(1, sizes["v"]))
            vector = self.bottleneck.see(stream, visual_map)
            vectors.append(vector.reshape(*given.shape[:2], -1))
        return jnp.concatenate(vectors, -1) if vectors else None

    def listen(self, magnitude: Array, visual: Array | None, rows: Rows) -> Tracks:
        """The tracks of windows whose pictures were seen.

        Args:
          magnitude: of the two-sided spectrum ``[b, 127, 1024]``.
          visual: what `see` gave.
          rows: of the masks, out of the 127.
        """
        heard = self.hear(magnitude)
        fused = self.fuse(heard, visual)
        return Tracks(*self.localise(fused), self.masks(heard, fused, rows))

    def hear(self, magnitude: Array) -> tuple[Array, ...]:
        """Outputs ``[b, k', f', c]`` of the audio layers, of ``[b, 127, 1024]``."""
        return self.audio_encoder(magnitude)

    def fuse(self, heard: tuple[Array, ...], visual: Array | None) -> Array:
        """Features ``[b, 3, d]`` of the time steps from hearing and sight."""
        audio = self.bottleneck.hear(heard[-1])
        if visual is None:
            return audio
        shape = (*audio.shape[:2], visual.shape[-1])
        return jnp.concatenate([audio, jnp.broadcast_to(visual, shape)], -1)

    def localise(self, fused: Array) -> tuple[Array, Array]:
        """Weights ``[b, 3, o, n]`` and bias ``[b, 3, o]`` of the time steps."""
        values = self.localization(fused).astype(jnp.float32)
        shape = (self.spec.num_outputs, self.spec.num_mixed + 1)
        values = values.reshape(*fused.shape[:2], *shape)
        return values[..., :-1], values[..., -1]

    def masks(self, heard: tuple[Array, ...], fused: Array, rows: Rows) -> Array:
        """Masks ``[b, n, f, k]`` in [0, 1] of the wanted rows.

        A network that does not separate has one mask, which undoes `TRACK_GAIN`.
        """
        if self.separation is None:
            shape = (len(fused), 1, NUM_BINS // 2 + 1, rows[1] - rows[0])
            return jnp.full(shape, 1 / TRACK_GAIN)
        logits = self.separation(heard, fused, rows)
        return fold_masks(jax.nn.sigmoid(logits.astype(jnp.float32)))
