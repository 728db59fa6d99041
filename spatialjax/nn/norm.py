"""Batch normalisation whose statistics do not depend on the number of devices.

Rows come in the order ``(b, n, v)``: examples, sources of an example, images of a
source. `Mode` tells a call this layout; `NormConfig` tells over which rows one mean and
variance is taken. All statistics are float32, whatever the dtype of the input.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
from flax import nnx
from jax import lax

from spatialjax.errors import ConfigError, ShapeError
from spatialjax.nn.initializers import Draws, Initializer, ones
from spatialjax.typing import Array


@dataclass(frozen=True)
class Mode:
    """How one call of a network treats its batch.

    `train` takes statistics from the batch and updates the running ones; otherwise
    the running ones are used and examples do not touch each other. `axis` names the
    device axis under `pmap` or `shard_map`, and is None under `jit`, where a batch is
    global by itself. `num_sources` and `num_images` are the rows of one example; a
    network that folds them into rows sets them itself, through `with_rows`.
    """

    train: bool = False
    axis: str | None = None
    num_sources: int = 1
    num_images: int = 1

    def with_rows(self, num_sources: int, num_images: int) -> "Mode":
        """The same treatment for rows that are the images of the sources."""
        return dataclasses.replace(self, num_sources=num_sources, num_images=num_images)


EVAL = Mode()


@dataclass(frozen=True)
class Renorm:
    """Limits of batch renormalisation (Ioffe 2017, eq. for r and d, section 3)."""

    r_max: float = 3.0
    d_max: float = 5.0


@dataclass(frozen=True)
class NormConfig:
    """Over what statistics are taken, and how the running ones follow.

    `group_size` is in examples: each run of that many examples has statistics of its
    own, as on the devices of a published run; None takes the whole global batch. The
    running statistics then follow the average of the groups. `per_source` separates
    the sources of an example as well; the running statistics are updated once for each
    source, in order. `momentum` is the share of the new value. `unbiased` divides the
    running variance by count - 1, as PyTorch does.
    """

    group_size: int | None = None
    per_source: bool = False
    momentum: float = 0.1
    epsilon: float = 1e-5
    unbiased: bool = False
    renorm: Renorm | None = None

    def validate(self) -> None:
        """Check the ranges.

        Raises:
          ConfigError: a value is out of range.
        """
        if self.group_size is not None and self.group_size < 1:
            raise ConfigError(
                f"group_size is {self.group_size}; give at least 1 example, or none"
            )
        if not 0.0 < self.momentum <= 1.0:
            raise ConfigError(f"momentum is {self.momentum}; give a share in (0, 1]")


GLOBAL_NORM = NormConfig()
"""Statistics over the whole batch of all devices."""


class BatchNorm(nnx.Module):
    """Normalises the last axis of ``[rows, *places, c]``, then scales and shifts."""

    def __init__(
        self,
        num_channels: int,
        config: NormConfig,
        *,
        scale_init: Initializer = ones,
        rngs: Draws,
    ) -> None:
        shape = (num_channels,)
        self.config = config
        self.scale = nnx.Param(scale_init(rngs, shape))
        self.bias = nnx.Param(jnp.zeros(shape))
        self.mean = nnx.BatchStat(jnp.zeros(shape))
        self.var = nnx.BatchStat(jnp.ones(shape))

    def __call__(self, x: Array, mode: Mode) -> Array:
        """The normalised rows, in the dtype of the input."""
        mean, var = self.mean[...], self.var[...]
        # Less the running mean, sums of squares in one pass keep their digits.
        centred = x.astype(jnp.float32) - _over_places(mean, x)
        if mode.train:
            moments = _batch_moments(centred, mode, self.config)
            factor, offset = self._affine(moments, var)
            factor, offset = (_to_rows(a, len(x), mode) for a in (factor, offset))
            self._update(moments, mode)
        else:
            factor = self.scale[...] * lax.rsqrt(var + self.config.epsilon)
            offset = self.bias[...]
        scaled = centred * _over_places(factor, x) + _over_places(offset, x)
        return scaled.astype(x.dtype)

    def _affine(self, moments: "_Moments", running_var: Array) -> tuple[Array, Array]:
        """Factor and offset of the centred rows in training, both ``[g, s, c]``."""
        epsilon, renorm = self.config.epsilon, self.config.renorm
        scale, bias = (a[...][None, None] for a in (self.scale, self.bias))
        factor = scale * lax.rsqrt(moments.var + epsilon)
        if renorm is not None:
            deviation = jnp.sqrt(running_var + epsilon)[None, None]
            r = jnp.sqrt(moments.var + epsilon) / deviation
            r = lax.stop_gradient(jnp.clip(r, 1 / renorm.r_max, renorm.r_max))
            d = moments.centred_mean / deviation
            d = lax.stop_gradient(jnp.clip(d, -renorm.d_max, renorm.d_max))
            factor, bias = factor * r, bias + scale * d
        return factor, bias - moments.centred_mean * factor

    def _update(self, moments: "_Moments", mode: Mode) -> None:
        """Move the running statistics, once for each source, in order."""
        config = self.config
        mean, var = self.mean[...], self.var[...]
        batch_mean = mean[None, None] + moments.centred_mean
        batch_var = moments.var
        if config.unbiased:
            batch_var = batch_var * (
                moments.num_values / max(moments.num_values - 1, 1)
            )
        averaged = jnp.stack([batch_mean, batch_var]).mean(1)
        if mode.axis is not None and config.group_size is not None:
            averaged = lax.pmean(averaged, mode.axis)
        for new_mean, new_var in zip(*averaged, strict=True):
            mean = mean + config.momentum * (new_mean - mean)
            if config.renorm is None:
                var = var + config.momentum * (new_var - var)
            else:  # the paper's running statistic is the deviation √(ε + variance)
                old, new = (jnp.sqrt(v + config.epsilon) for v in (var, new_var))
                var = (old + config.momentum * (new - old)) ** 2 - config.epsilon
        self.mean[...], self.var[...] = mean, var


class _Moments(NamedTuple):
    """Mean (less the running mean) and biased variance, both ``[g, s, c]``.

    ``g`` are the groups of the local rows, ``s`` the separated sources, or 1;
    `num_values` stand behind each entry.
    """

    centred_mean: Array
    var: Array
    num_values: int


def _batch_moments(centred: Array, mode: Mode, config: NormConfig) -> _Moments:
    places = tuple(range(1, centred.ndim - 1))
    sums = jnp.stack([centred.sum(places), (centred**2).sum(places)])
    n, v = mode.num_sources, mode.num_images
    num_examples, rest = divmod(len(centred), n * v)
    if rest:
        raise ShapeError(f"{len(centred)} rows do not hold {n} sources of {v} images")
    sums = sums.reshape(2, num_examples, n, v, -1).sum(3)
    if not config.per_source:
        sums = sums.sum(2, keepdims=True)
    sums, num_examples = _sum_groups(sums, mode.axis, config.group_size)
    count = num_examples * v * math.prod(centred.shape[1:-1])
    count *= 1 if config.per_source else n
    mean, square = sums / count
    return _Moments(mean, jnp.maximum(square - mean**2, 0.0), count)


def _sum_groups(
    sums: Array, axis: str | None, group_size: int | None
) -> tuple[Array, int]:
    """Sums of the groups of the local examples, and the examples in one group.

    `sums` is ``[2, examples, s, c]``; the groups are ``[2, g, s, c]``.
    """
    num_local = sums.shape[1]
    num_devices = 1 if axis is None else lax.axis_size(axis)
    if group_size is None:
        total = sums.sum(1, keepdims=True)
        total = total if axis is None else lax.psum(total, axis)
        return total, num_local * num_devices
    if num_local % group_size == 0:
        grouped = sums.reshape(2, -1, group_size, *sums.shape[2:])
        return grouped.sum(2), group_size
    num_joined, rest = divmod(group_size, num_local)
    if axis is None or rest or num_devices % num_joined:
        raise ShapeError(
            f"groups of {group_size} examples do not divide the batch of "
            f"{num_local * num_devices}; give a batch that is a multiple"
        )
    parts = lax.all_gather(sums.sum(1), axis)
    grouped = parts.reshape(-1, num_joined, *parts.shape[1:]).sum(1)
    own = lax.axis_index(axis) // num_joined
    return grouped[own][:, None], group_size


def _to_rows(value: Array, num_rows: int, mode: Mode) -> Array:
    """Values ``[g, s, c]`` for each row, ``[rows, c]``, or ``[1, c]`` if all share."""
    g, s, c = value.shape
    if g == s == 1:
        return value[0]
    n, v = mode.num_sources, mode.num_images
    shape = (g, num_rows // (g * n * v), n, v, c)
    return jnp.broadcast_to(value[:, None, :, None], shape).reshape(num_rows, c)


def _over_places(value: Array, x: Array) -> Array:
    """Values ``[c]`` or ``[rows, c]`` with the rank of ``x``."""
    return value.reshape(-1, *(1,) * (x.ndim - 2), x.shape[-1])
