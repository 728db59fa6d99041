"""What every place of a picture sounds like: how loud at a time, and of which colour.

Sound of Pixels, §4.5 and figures 4 to 6: the energy of the sound at each pixel, and the
principal components of the sounds as red, green and blue.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from spatialjax.audio import frame_signal, frames_to_spectrum, magnitude
from spatialjax.tasks.base import MaskSeparator, Variables, WindowSpec
from spatialjax.typing import Array, HostArray

LEAST_SPREAD = 0.01
"""A component's singular value over the largest one; below it stands noise."""


def frames_per_map(spec: WindowSpec, longest_s: float = 0.2) -> int:
    """Frames that share an energy map: a divisor of half a window, a power of two."""
    most = longest_s * spec.sample_rate_hz / spec.hop
    frames, half = 1, spec.num_frames // 2
    while half % (2 * frames) == 0 and 2 * frames <= most:
        frames *= 2
    return frames


class Perceived(NamedTuple):
    """What a model makes of windows, before anything is asked for."""

    spectrum: Array
    """Complex ``[b, c, f, k]``."""
    heard: Array
    """Magnitudes ``[b, f, k]`` of the mean of the channels."""
    features: Array
    """Of the sound, from `MaskSeparator.hear`."""
    places: Array
    """Features ``[b, h', w', d]``."""


def perceive(
    task: MaskSeparator, variables: Variables, samples: Array, images: Array
) -> Perceived:
    """What a model hears and sees in samples ``[b, c, t]`` and images; traced."""
    spec = task.window_spec
    frames = frame_signal(samples, spec.n_fft, spec.hop, spec.num_frames)
    spectrum = frames_to_spectrum(frames)
    heard = magnitude(spectrum.mean(1))
    features = task.hear(variables, heard)
    return Perceived(spectrum, heard, features, task.see(variables, images))


def hear_places(
    task: MaskSeparator, variables: Variables, perceived: Perceived, counts: Array
) -> tuple[Array, Array]:
    """Energies and sums of log-magnitudes of what each place lets through; traced.

    Row by row of the picture: masks of all places at once would fill the memory.

    Args:
      task: gives the masks.
      variables: of its model.
      perceived: of the windows.
      counts: ``[b, k / 2]``, weights of the frames of the first half in the sums.

    Returns:
      Energies ``[b, h', w', k / m]``, means over the m frames of a map; sums over time
      and windows of log(1 + magnitude) ``[h', w', f]``.
    """
    heard, places = perceived.heard, perceived.places
    b, height, width, _ = places.shape
    per_map = frames_per_map(task.window_spec)
    single = jnp.eye(width, dtype=bool)[:, None]
    energies, sounds = [], []
    for row in range(height):
        query = task.query(places[:, row : row + 1], single)
        let_through = task.masks(variables, perceived.features, query) * heard[:, None]
        energy = jnp.square(let_through).sum(2)
        energies.append(energy.reshape(b, width, -1, per_map).mean(-1))
        first = jnp.log1p(let_through[..., : counts.shape[1]])
        sounds.append(jnp.einsum("bwfk,bk->wf", first, counts))
    return jnp.stack(energies, 1), jnp.stack(sounds)


def place_colours(sounds: HostArray) -> HostArray:
    """Colours uint8 ``[h', w', 3]`` of places that sound as ``[h', w', f]`` says.

    The first three principal components over the places, each stretched to its range; a
    component of less than `LEAST_SPREAD` of the first one is mid-grey.
    """
    height, width, _ = sounds.shape
    vectors = sounds.reshape(height * width, -1).astype(np.float64)
    vectors -= vectors.mean(0)
    left, scales, right = np.linalg.svd(vectors, full_matrices=False)
    # A component has no sign of its own: its largest weight shall be positive.
    largest = np.abs(right).argmax(1)
    scores = left * scales * np.sign(right[np.arange(len(right)), largest])
    colours = np.full((height * width, 3), 128, np.uint8)
    for index in range(min(3, scores.shape[1])):
        low, high = scores[:, index].min(), scores[:, index].max()
        if scales[index] > LEAST_SPREAD * scales[0]:
            share = (scores[:, index] - low) / (high - low)
            colours[:, index] = np.rint(255 * share)
    return colours.reshape(height, width, 3)
