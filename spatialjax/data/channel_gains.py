"""How loud each channel of the sound fields of a dataset is, beside the first."""

from collections.abc import Iterable

import numpy as np

from spatialjax.data.clips import Clip, Dataset
from spatialjax.typing import HostArray


def channel_gains(
    dataset: Dataset, clips: Iterable[Clip], *, has_sign: bool = True
) -> HostArray:
    """Constant gains that fit the channels above W best, float64 ``[c - 1]``.

    g_c = Σ W a_c / Σ W² over all samples of the clips that recorded the channel: the
    least squared error of g_c W. It is 0 where W is silent or nothing was recorded.
    Without signs, g_c = Σ |W a_c| / Σ W²: the least of g_c |W| beside |a_c|.
    Every record is read once; the sums are exact.

    Args:
      dataset: of clips that hold one sound field each, W first.
      clips: of the dataset.
      has_sign: whether the sign of samples counts, or their loudness alone.

    Raises:
      DataError: a record is damaged.
    """
    products = np.zeros(dataset.channels)
    powers = np.zeros(dataset.channels)
    for clip in clips:
        is_recorded = np.ones(dataset.channels, bool)
        if clip.channel_mask is not None:
            is_recorded[:] = clip.channel_mask
        for segment in range(clip.num_records):
            (field,) = dataset.read_segment(clip, segment)["audio"].astype(np.float64)
            field = field if has_sign else np.abs(field)
            found = field @ field[0]
            products += np.where(is_recorded, found, 0)
            powers += np.where(is_recorded, found[0], 0)
    return products[1:] / np.where(powers[1:] > 0, powers[1:], 1)
