"""Processor time of BSS-eval beside mir_eval's, in one run on one thread.

python -m tests.metrics.speed_of_bss_eval
"""

import statistics
import time
import warnings

import numpy as np
from threadpoolctl import threadpool_limits

from spatialjax.metrics import bss_eval_sets

NUM_RUNS = 7


def main():
    """Two sources of 65 280 samples, and the mixture as baseline."""
    import mir_eval.separation

    rng = np.random.default_rng(0)
    sources = rng.normal(size=(2, 65280))
    estimates = sources + 0.3 * sources[::-1] + 0.1 * rng.normal(size=sources.shape)
    mixture = sources.sum(0, keepdims=True)

    def theirs():
        both = (estimates, np.repeat(mixture, 2, 0))
        return [mir_eval.separation.bss_eval_sources(sources, e, False) for e in both]

    def ours():
        return bss_eval_sets(sources, [estimates, mixture], num_threads=1)

    warnings.simplefilter("ignore", FutureWarning)
    ratios = []
    with threadpool_limits(1):
        theirs(), ours()
        for _ in range(NUM_RUNS):
            pair = [_processor_s(call) for call in (theirs, ours)]
            ratios.append(pair[0] / pair[1])
            print(f"mir_eval {pair[0]:.3f} s  spatialjax {pair[1]:.3f} s")
    low, high = min(ratios), max(ratios)
    print(f"ratio {statistics.median(ratios):.1f} ({low:.1f} to {high:.1f})")


def _processor_s(call):
    before_s = time.process_time()
    call()
    return time.process_time() - before_s


if __name__ == "__main__":
    main()
