"""Sound that comes in chunks, cut anew."""

from collections.abc import Iterable, Iterator

import numpy as np


def rechunk(chunks: Iterable[np.ndarray], length: int) -> Iterator[np.ndarray]:
    """The same samples ``[c, t]`` in chunks of `length`, the last one of what is left.

    No more than a chunk of either size is held.
    """
    held: list[np.ndarray] = []
    num_held = 0
    for chunk in chunks:
        held.append(chunk)
        num_held += chunk.shape[1]
        if num_held < length:
            continue
        joined = np.concatenate(held, 1)
        whole = num_held // length * length
        yield from (joined[:, i : i + length] for i in range(0, whole, length))
        held, num_held = [joined[:, whole:]], num_held - whole
    if num_held:
        yield np.concatenate(held, 1)
