"""Time of the sound path of spatialaudiogen beside its plain form, in one run.

python -m tests.models.speed_of_spatialaudiogen
"""

import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np

from spatialjax.models import SpatialAudioGen, SpatialAudioGenSpec
from spatialjax.models.spatialaudiogen_chain import (
    CHUNK_ROWS,
    render_window,
    window_magnitude,
)
from spatialjax.models.spatialaudiogen_names import published_names
from spatialjax.nn import Functional
from tests.models import spatialaudiogen_reference as plain

BATCH = 4
NUM_RUNS = 7


def measure(num_runs=NUM_RUNS):
    """Seconds of each pair of runs, plain and ours, from windows to channels.

    Of the published size, without the encoders of pictures, which both would share.
    """
    spec = SpatialAudioGenSpec()
    functional = Functional(SpatialAudioGen, spec)
    params, state = jax.jit(functional.init)(jax.random.key(0))
    arrays = plain.arrays_by_name(published_names(spec), params, state)
    rng = np.random.default_rng(0)
    mono = jnp.asarray(0.1 * rng.normal(size=(BATCH, 52_799)), jnp.float32)
    seen = jnp.asarray(rng.random((BATCH, 1, 1024)), jnp.float32)

    @jax.jit
    def theirs(mono, seen):
        magnitude = jnp.abs(plain.stft(mono, jnp)[:, 46:173])
        return plain.render(mono, *plain.listen(arrays, magnitude, seen), jnp)

    @jax.jit
    def ours(mono, seen):
        inputs = (window_magnitude(mono), seen, CHUNK_ROWS)
        tracks, _ = functional.apply(params, state, *inputs, method="listen")
        return render_window(mono, tracks)

    expected, got = theirs(mono, seen), ours(mono, seen).swapaxes(1, 2)
    np.testing.assert_allclose(
        got, expected, atol=1e-4 * float(jnp.abs(expected).max())
    )
    return [
        tuple(_seconds(call, mono, seen) for call in (theirs, ours))
        for _ in range(num_runs)
    ]


def _seconds(call, *inputs):
    before_s = time.perf_counter()
    jax.block_until_ready(call(*inputs))
    return time.perf_counter() - before_s


def main():
    """Print each pair and the ratio."""
    pairs = measure()
    for theirs_s, ours_s in pairs:
        print(f"plain {theirs_s:.3f} s  spatialjax {ours_s:.3f} s")
    ratios = sorted(theirs_s / ours_s for theirs_s, ours_s in pairs)
    middle = statistics.median(ratios)
    print(f"ratio {middle:.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})")


if __name__ == "__main__":
    main()
