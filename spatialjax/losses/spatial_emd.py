"""A differentiable earth mover's distance, computed on the device.

The earth mover's distance of two maps is the least work that turns one into the other.
Where their masses differ, the rest is moved over the longest distance (the EMD-hat of
Pele and Werman, A linear time histogram metric for improved SIFT matching, 2008): a
dummy node, that far from all others, gives or takes it.

By duality it is the largest ``Σ_i (first_i - second_i)·u_i`` among potentials u that
differ between two nodes by no more than their distance. Sinkhorn's iterations (Cuturi,
Sinkhorn distances: lightspeed computation of optimal transport, 2013) come near the
best ones; made to keep that bound they give a value that never exceeds the true one and
is exactly 0 for equal maps, and they are themselves its gradient (Danskin's theorem).
"""

import jax
import jax.numpy as jnp

from spatialjax.errors import check_shape
from spatialjax.typing import Array

TEMPERATURE = 0.02
"""Final smoothing of the potentials, in units of the longest distance over pi."""
NUM_STEPS = 40
"""Iterations; from about 30 on only the temperature matters (measured)."""
LEAST_MASS = 1e-12
"""Share of the moved mass that stands for none in logarithms."""


def sinkhorn_emd_hat(
    first: Array,
    second: Array,
    distance: Array,
    temperature: float = TEMPERATURE,
    num_steps: int = NUM_STEPS,
) -> Array:
    """Distances [...] of maps [..., q], mass times distance, from below.

    Within 2.5 % of the exact ones at the default temperature (measured on sound field
    maps). The gradient is finite everywhere, and 0 where the maps are equal.

    Args:
      first: masses [..., q], none below 0.
      second: likewise.
      distance: [q, q], a metric: symmetric, 0 to itself, with the triangle inequality.
      temperature: smoothing of the potentials; halve it to halve the gap.
      num_steps: iterations, of which the first two thirds cool down.

    Raises:
      ShapeError: the shapes do not fit.
    """
    num_nodes = check_shape("distance", distance, "q q")["q"]
    check_shape("first", first, "... q", {"q": num_nodes})
    check_shape("second", second, " ".join(map(str, first.shape)))
    surplus = first.astype(jnp.float32) - second.astype(jnp.float32)
    surplus = jnp.concatenate([surplus, -surplus.sum(-1, keepdims=True)], axis=-1)
    cost = _with_dummy(jnp.asarray(distance, jnp.float32))
    longest = jnp.maximum(cost.max(), jnp.finfo(jnp.float32).tiny)
    potentials = _potentials(surplus, cost / longest, temperature / jnp.pi, num_steps)
    return (surplus * jax.lax.stop_gradient(potentials)).sum(-1) * longest


def _with_dummy(distance: Array) -> Array:
    """Distances [q + 1, q + 1] with one more node, far from all others."""
    num_nodes = distance.shape[0]
    padded = jnp.pad(distance, (0, 1), constant_values=distance.max())
    return padded.at[num_nodes, num_nodes].set(0.0)


def _potentials(
    surplus: Array, cost: Array, temperature: float, num_steps: int
) -> Array:
    """Nearly optimal potentials [..., q] that keep to the costs [q, q], of 1 at most.

    What both maps hold at a node stays there, since costs are a metric. Only the rest
    is moved, which needs far fewer steps than moving all.
    """
    moved = jnp.maximum(jnp.abs(surplus).sum(-1, keepdims=True) / 2, 1e-30)
    share = jax.lax.stop_gradient(surplus / moved)
    log_given = jnp.log(jnp.maximum(share, LEAST_MASS))
    log_taken = jnp.log(jnp.maximum(-share, LEAST_MASS))
    cost = cost.reshape((1,) * (share.ndim - 1) + cost.shape)

    def soft_least(potential: Array, log_mass: Array, heat: Array) -> Array:
        exponent = (log_mass + potential / heat)[..., None, :] - cost / heat
        return -heat * jax.nn.logsumexp(exponent, axis=-1)

    def step(index: Array, giving: Array) -> Array:
        cooled = jnp.minimum(index.astype(jnp.float32) / (num_steps * 2 / 3), 1.0)
        heat = (1 / jnp.pi) ** (1 - cooled) * temperature**cooled
        return soft_least(soft_least(giving, log_given, heat), log_taken, heat)

    giving = jax.lax.fori_loop(0, num_steps, step, jnp.zeros_like(share))
    taking = soft_least(giving, log_given, jnp.float32(temperature))
    return (cost - taking[..., None, :]).min(-1)
