"""Sound fields and pictures of the whole sphere, turned and mirrored together."""

import jax
import jax.numpy as jnp

from spatialjax.ambisonics import Mirror, mirror, rotate_yaw
from spatialjax.typing import Array
from spatialjax.vision import mirror_image, yaw_image

Shown = dict[str, Array]
"""Equirectangular ``images`` ``[..., v, h, w, 3]`` and ``flow`` ``[..., v, h, w, 2]``.

Flow is that of `media.optical_flow`: minus the motion, in pixels to the right and
downwards. Either may be absent.
"""


def augment_field(
    key: Array,
    example_id: Array,
    signals: Array,
    shown: Shown,
    *,
    turns: bool,
    mirrors: bool,
) -> tuple[Array, Shown]:
    """Signals and pictures of scenes that are turned about the vertical, or mirrored.

    The yaw is drawn in whole columns of the picture, for which both are exact. Half of
    the examples are mirrored. Each example has draws of its own, by its number.

    Args:
      key: of the step.
      example_id: ``[b]``.
      signals: AmbiX ``[b, c, t]``.
      shown: pictures of the scenes, all of one width.
      turns: whether scenes are turned.
      mirrors: whether scenes are mirrored.
    """
    width = next(iter(shown.values())).shape[-2] if shown else 360

    def change(number: Array, signal: Array, shown: Shown) -> tuple[Array, Shown]:
        of_turn, of_mirror = jax.random.split(jax.random.fold_in(key, number))
        if turns:
            columns = jax.random.randint(of_turn, (), 0, width)
            signal = rotate_yaw(signal, 2 * jnp.pi / width * columns)
            shown = {name: yaw_image(a, columns) for name, a in shown.items()}
        if mirrors:
            is_mirrored = jax.random.bernoulli(of_mirror)
            signal, shown = jax.tree.map(
                lambda new, old: jnp.where(is_mirrored, new, old),
                (mirror(signal, Mirror.LEFT_RIGHT), mirror_shown(shown)),
                (signal, shown),
            )
        return signal, shown

    return jax.vmap(change)(example_id, signals, shown)


def mirror_shown(shown: Shown) -> Shown:
    """Pictures with left and right exchanged, and flow to the right reversed."""
    mirrored = {name: mirror_image(a) for name, a in shown.items()}
    if "flow" in mirrored:
        sign = jnp.array([-1, 1], mirrored["flow"].dtype)
        shape = (1,) * (mirrored["flow"].ndim - 1) + (2,)
        mirrored["flow"] = mirrored["flow"] * sign.reshape(shape)
    return mirrored
