"""From visual and sound features to mask logits (Zhao et al. 2018, section 3.1)."""

import enum
from dataclasses import dataclass

import jax.numpy as jnp
from flax import nnx

from spatialjax.nn.initializers import Draws
from spatialjax.typing import Array


class SynthesizerKind(enum.Enum):
    """`LINEAR` weighs each channel by a learned scale; `BIAS` does not."""

    LINEAR = "linear"
    BIAS = "bias"


@dataclass(frozen=True)
class SynthesizerConfig:
    """Kind and size of a `Synthesizer`."""

    num_channels: int = 32
    kind: SynthesizerKind = SynthesizerKind.LINEAR
    dtype: str = "float32"


class Synthesizer(nnx.Module):
    """Logit z(f, k) = Σ_c v_c · scale_c · s_c(f, k) + bias, in float32."""

    def __init__(self, config: SynthesizerConfig, *, rngs: Draws) -> None:
        del rngs
        self.config = config
        scale = nnx.Param(jnp.ones((config.num_channels,)))
        self.scale = scale if config.kind is SynthesizerKind.LINEAR else None
        self.bias = nnx.Param(jnp.zeros((1,)))

    def __call__(self, visual: Array, sound: Array) -> Array:
        """Logits ``[b, *queries, f, k]``.

        Args:
          visual: features ``[b, *queries, c]``; the queries are the sources ``n``, or
            the places ``n, h, w`` for one mask a pixel.
          sound: features ``[b, f, k, c]``.
        """
        queries = visual.shape[1:-1]
        visual = self._scaled(visual).reshape(len(visual), -1, visual.shape[-1])
        logits = jnp.einsum(
            "bqc,bfkc->bqfk",
            visual.astype(self.config.dtype),
            sound.astype(self.config.dtype),
            preferred_element_type=jnp.float32,
        )
        logits = logits.reshape(len(visual), *queries, *sound.shape[1:3])
        return logits + self._bias(logits.ndim)

    def terms(self, visual: Array, sound: Array) -> Array:
        """The channels' parts ``[b, n, f, k, c]``; the bias is added to every one."""
        visual = self._scaled(visual)[:, :, None, None]
        parts = visual * sound.astype(jnp.float32)[:, None]
        return parts + self._bias(parts.ndim)

    def _scaled(self, visual: Array) -> Array:
        visual = visual.astype(jnp.float32)
        if self.scale is None:
            return visual
        return visual * self.scale[...].reshape((1,) * (visual.ndim - 1) + (-1,))

    def _bias(self, ndim: int) -> Array:
        return self.bias[...].reshape((1,) * ndim)
