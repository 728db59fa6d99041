"""Sound cut anew."""

import numpy as np
import pytest

from spatialjax.media.chunks import rechunk


@pytest.mark.parametrize("length", [1, 3, 7, 10, 25, 40])
def test_no_sample_is_lost_and_all_but_the_last_have_the_length(length):
    whole = np.arange(50).reshape(2, 25)
    for cuts in ([], [1], [4, 4, 20], list(range(1, 25))):
        chunks = list(rechunk(np.split(whole, cuts, axis=1), length))
        np.testing.assert_array_equal(np.concatenate(chunks, 1), whole)
        assert {chunk.shape[1] for chunk in chunks[:-1]} <= {length}
        assert 0 < chunks[-1].shape[1] <= length


def test_nothing_stays_nothing():
    assert list(rechunk([], 4)) == []
    assert list(rechunk([np.zeros((2, 0))], 4)) == []
