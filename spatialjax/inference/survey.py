"""A first look at a film: what its places sound like, and how loud."""

import jax
import jax.numpy as jnp
import numpy as np

from spatialjax.inference.film import Film, OpenSound
from spatialjax.inference.joining import Windows
from spatialjax.inference.places import hear_places, perceive
from spatialjax.inference.separator import Separator
from spatialjax.inference.streaming import stream_windows
from spatialjax.tasks.base import Variables
from spatialjax.typing import Array, HostArray

MOST_WINDOWS = 64
"""Windows that are looked at, evenly spread over the film."""


def survey_film(
    separator: Separator, film: Film, sound: OpenSound
) -> tuple[HostArray, HostArray]:
    """Sounds ``[h', w', f]`` and energies ``[h', w']`` of the places, over the film.

    Raises:
      MediaError: the file cannot be read.
    """
    task = separator.task
    spec = task.window_spec
    step_s = spec.num_frames // 2 * spec.hop / spec.sample_rate_hz
    stride = max(1, round((film.duration_s or 0) / step_s / MOST_WINDOWS))

    @jax.jit
    def look(variables: Variables, windows: Windows[Array]) -> tuple[Array, Array]:
        perceived = perceive(task, variables, windows.samples, windows.images)
        energy, sounds = hear_places(task, variables, perceived, windows.counts)
        return sounds, energy[0].sum(-1)

    variables = jax.device_put(separator.variables)
    sounds, energy = jnp.zeros(()), jnp.zeros(())
    with stream_windows(film, sound, separator, batch_size=1) as stream:
        for index, batch in enumerate(stream.batches):
            if index % stride == 0 and not batch.windows.is_past[0]:
                found = look(variables, batch.windows)
                sounds, energy = sounds + found[0], energy + found[1]
    return np.asarray(sounds), np.asarray(energy)
