"""The sound field of a plan: each sample of a source comes from where it then is."""

import numpy as np

from spatialjax.ambisonics.harmonics import spherical_harmonics
from tfds_builders.instruments import render_part
from tfds_builders.toy_sphere.world import Plan, World

GAIN = 2 / 3
"""Common to all: three sources of the highest peak, 0.49, reach 0.98 of full scale."""


def render_field(plan: Plan, world: World) -> np.ndarray:
    """AmbiX signals ``[c, t]`` (ACN, SN3D), float64, full scale 1.

    a(t) = g sum_s s(t) Y(direction of s at t), with one gain g for the whole world.
    """
    time_s = np.arange(world.num_samples) / world.sample_rate_hz
    field = np.zeros(((world.order + 1) ** 2, world.num_samples))
    for source in plan.sources:
        sound = render_part(source, world.num_samples, world.sample_rate_hz)
        directions = source.path.directions(time_s)
        field += np.asarray(spherical_harmonics(directions, world.order)).T * sound
    return GAIN * field
