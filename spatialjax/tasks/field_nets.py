"""What can give the field of a window, each behind the same call.

A field net takes the magnitudes of the mono signal, what is shown, and when, and gives
the gains of the channels above the first. It knows how its network wants to see.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol, cast

import jax.numpy as jnp
import numpy as np

from spatialjax.models import (
    DirectionalAttentionSpec,
    Field,
    SpatialAudioGenSpec,
)
from spatialjax.models.spatialaudiogen_chain import (
    STREAM_ROWS,
    centre_pictures,
    stream_field,
    two_sided,
)
from spatialjax.nn import Functional, Mode
from spatialjax.tasks.base import Variables
from spatialjax.tasks.field_augmentation import Shown
from spatialjax.typing import Array, PyTree
from spatialjax.vision import Standardisation, standardise

FLOW_SCALE = 0.1
"""Of flow in degrees from picture to picture, to be near standardised colours."""


class Perceived(NamedTuple):
    """What is heard and seen in windows."""

    magnitude: Array  # of the mono signal [b, f, k], all frames that are heard
    shown: Shown  # pictures [b, v, h, w, ...]
    image_time_s: Array | None  # when these are shown [b, v], from the window's middle


class FieldNet(Protocol):
    """Gives the field of windows."""

    def init(self, key: Array) -> Variables: ...

    def __call__(
        self, variables: Variables, perceived: Perceived, mode: Mode
    ) -> tuple[Field, PyTree]:
        """The field, and the state after the call; traced.

        Args:
          variables: of the network.
          perceived: what there is to go by.
          mode: how norms treat the batch.
        """
        ...


@dataclass(frozen=True)
class AttentionNet:
    """Our own network; hears as many frames as it gives."""

    model: Functional
    frame_time_s: tuple[float, ...]

    def init(self, key: Array) -> Variables:
        """Fresh variables."""
        return Variables(*self.model.init(key))

    def __call__(
        self, variables: Variables, perceived: Perceived, mode: Mode
    ) -> tuple[Field, PyTree]:
        """As `FieldNet`; pictures are standardised by themselves."""
        shown = perceived.shown
        pictures = standardise(shown["images"], Standardisation.PER_IMAGE)
        if cast(DirectionalAttentionSpec, self.model.config).has_flow:
            pictures = jnp.concatenate([pictures, scale_flow(shown["flow"])], -1)
        at_s = np.array(self.frame_time_s, np.float32)
        times_s = perceived.image_time_s
        return self.model.apply(
            *variables, perceived.magnitude, pictures, times_s, at_s, mode
        )


@dataclass(frozen=True)
class PublishedNet:
    """The network of spatialaudiogen, its weights interpolated in time."""

    model: Functional

    def init(self, key: Array) -> Variables:
        """Fresh variables."""
        return Variables(*self.model.init(key))

    def __call__(
        self, variables: Variables, perceived: Perceived, mode: Mode
    ) -> tuple[Field, PyTree]:
        """As `FieldNet`; one picture is for all, of several each has a time step."""
        images, flow = see_as_published(perceived.shown, self.spec)
        heard = two_sided(perceived.magnitude)
        tracks, state = self.model.apply(
            *variables, heard, images, flow, STREAM_ROWS, mode
        )
        return stream_field(tracks), state

    @property
    def spec(self) -> SpatialAudioGenSpec:
        """Of the network."""
        return cast(SpatialAudioGenSpec, self.model.config)


@dataclass(frozen=True)
class AudioOnlyNet:
    """The baseline that sees nothing."""

    model: Functional

    def init(self, key: Array) -> Variables:
        """Fresh variables."""
        return Variables(*self.model.init(key))

    def __call__(
        self, variables: Variables, perceived: Perceived, mode: Mode
    ) -> tuple[Field, PyTree]:
        """As `FieldNet`."""
        return self.model.apply(*variables, perceived.magnitude, mode)


@dataclass(frozen=True)
class ConstantNet:
    """The same gains always: all 0 is mono, those of a dataset its spatial prior."""

    gains: tuple[float, ...]

    def init(self, key: Array) -> Variables:
        """Nothing is learnt."""
        del key
        return Variables({}, {})

    def __call__(
        self, variables: Variables, perceived: Perceived, mode: Mode
    ) -> tuple[Field, PyTree]:
        """As `FieldNet`; one gain stands for all bins and frames."""
        del mode
        gains = np.array(self.gains, np.float32)[None, :, None, None]
        shape = (len(perceived.magnitude), len(self.gains), 1, 1)
        return Field(jnp.broadcast_to(gains, shape)), variables.state


def scale_flow(flow: Array) -> Array:
    """Flow ``[..., h, w, 2]`` in pixels as our network sees it: by its angle."""
    return flow.astype(jnp.float32) * (FLOW_SCALE * 360 / flow.shape[-2])


def see_as_published(
    shown: Shown, spec: SpatialAudioGenSpec
) -> tuple[Array | None, Array | None]:
    """Pictures in [-0.5, 0.5] and flow ``[..., 3]`` with its length, where wanted.

    The published flow has the same sign: minus the motion.
    """
    images = centre_pictures(shown["images"]) if spec.has_video else None
    if not spec.has_flow:
        return images, None
    flow = shown["flow"].astype(jnp.float32)
    length = jnp.sqrt(jnp.square(flow).sum(-1, keepdims=True))
    return images, jnp.concatenate([flow, length], -1)
