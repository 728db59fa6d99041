"""Direction and diffuseness of sound from the channels of order 1.

W is the sound pressure and (X, Y, Z) the particle velocity turned around (in units in
which a plane wave has both alike). Their product is the flow of energy, which points to
where the sound comes from: I = mean of W·(X, Y, Z). The energy that is there at all is
E = mean of (W² + X² + Y² + Z²) / 2. A single plane wave has |I| = E; what comes from
all sides cancels in I, not in E (Merimaa and Pulkki, Spatial impulse response rendering
I, J. Audio Eng. Soc. 53, 2005). Higher orders are not looked at.
"""

import jax.numpy as jnp
import numpy as np

from spatialjax.ambisonics.channels import order_of
from spatialjax.ambisonics.directions import vector_length
from spatialjax.errors import ShapeError, check_shape
from spatialjax.typing import Array

SILENCE = 1e-18
"""Energy density that counts as none (-180 dB); its square is a normal float32."""


def intensity(ambisonics: Array) -> Array:
    """Mean intensity [..., 3] along x, y, z, float32, of SN3D fields [..., c, t].

    Raises:
      ShapeError: the number of channels is no square, or is 1.
    """
    pressure, velocity = _first_order(ambisonics)
    return (pressure * velocity).mean(-1)


def energy_density(ambisonics: Array) -> Array:
    """Mean energy density [...], float32, of SN3D fields [..., c, t].

    Raises:
      ShapeError: the number of channels is no square, or is 1.
    """
    pressure, velocity = _first_order(ambisonics)
    squares = jnp.square(pressure).mean((-2, -1)) + jnp.square(velocity).mean(-1).sum(
        -1
    )
    return squares / 2


def intensity_direction(ambisonics: Array) -> Array:
    """Unit vectors [..., 3], float32, to where the sound [..., c, t] comes from.

    Where the intensity is 0, as in silence, the vector and its gradient are 0.

    Raises:
      ShapeError: the number of channels is no square, or is 1.
    """
    flow = _relative_flow(ambisonics)
    length = vector_length(flow)[..., None]
    return flow / jnp.where(length > 0, length, 1)


def diffuseness(ambisonics: Array) -> Array:
    """1 - |I| / E in [0, 1], shape [...], float32, of fields [..., c, t].

    0 is a single plane wave; 1 is sound from all sides, or none.

    Raises:
      ShapeError: the number of channels is no square, or is 1.
    """
    return jnp.maximum(1 - vector_length(_relative_flow(ambisonics)), 0)


def _relative_flow(ambisonics: Array) -> Array:
    """I / E [..., 3], of a length of at most 1; 0 in silence."""
    energy = energy_density(ambisonics)[..., None]
    is_heard = energy > SILENCE
    return jnp.where(
        is_heard, intensity(ambisonics) / jnp.where(is_heard, energy, 1), 0
    )


def _first_order(ambisonics: Array) -> tuple[Array, Array]:
    """W [..., 1, t] and X, Y, Z [..., 3, t], float32."""
    order = order_of(check_shape("ambisonics", ambisonics, "... c t")["c"])
    if order < 1:
        raise ShapeError("ambisonics has 1 channel; a direction needs at least 4")
    signal = jnp.asarray(ambisonics, jnp.float32)
    return signal[..., :1, :], signal[..., np.array([3, 1, 2]), :]
