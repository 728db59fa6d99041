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
NUM_RUNS = 5


def measure(num_runs=NUM_RUNS):
    """Pairs of seconds, plain and ours, by what is done; of the published size.

    From windows to channels, without the encoders of pictures, which both would share.
    """
    functional = Functional(SpatialAudioGen, SpatialAudioGenSpec())
    params, state = jax.jit(functional.init)(jax.random.key(0))
    names = published_names(functional.config)
    rng = np.random.default_rng(0)
    mono = jnp.asarray(0.1 * rng.normal(size=(BATCH, 52_799)), jnp.float32)
    seen = jnp.asarray(rng.random((BATCH, 1, 1024)), jnp.float32)

    def theirs(params):
        arrays = plain.arrays_by_name(names, params, state)
        magnitude = jnp.abs(plain.stft(mono, jnp)[:, 46:173])
        heard = plain.listen(arrays, magnitude, seen)
        return plain.render(mono, *heard, jnp).swapaxes(1, 2)

    def ours(params):
        inputs = (window_magnitude(mono), seen, CHUNK_ROWS)
        tracks, _ = functional.apply(params, state, *inputs, method="listen")
        return render_window(mono, tracks)

    both = [jax.jit(run) for run in (theirs, ours)]
    expected, got = (run(params) for run in both)
    limit = 1e-4 * float(jnp.abs(expected).max())
    np.testing.assert_allclose(got, expected, atol=limit)
    return {
        "forward": _times(both, params, num_runs),
        "gradient": _times([_gradient(run) for run in both], params, num_runs),
    }


def _gradient(run):
    return jax.jit(jax.grad(lambda params: jnp.square(run(params)).sum()))


def _times(calls, params, num_runs):
    """Seconds of the calls, taken in turn, after one that compiles."""
    for call in calls:
        jax.block_until_ready(call(params))
    return [tuple(_seconds(call, params) for call in calls) for _ in range(num_runs)]


def _seconds(call, params):
    before_s = time.perf_counter()
    jax.block_until_ready(call(params))
    return time.perf_counter() - before_s


def main():
    """Print the medians and the ratios."""
    for name, pairs in measure().items():
        plain_s, ours_s = map(statistics.median, zip(*pairs, strict=True))
        ratios = sorted(one / other for one, other in pairs)
        print(
            f"{name}: plain {plain_s:.3f} s  spatialjax {ours_s:.3f} s  ratio "
            f"{statistics.median(ratios):.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})"
        )


if __name__ == "__main__":
    main()
