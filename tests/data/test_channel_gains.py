import numpy as np
import pytest

from spatialjax.data import channel_gains, open_dataset
from tests.data import tiny

WXY = (True, True, False, True)


@pytest.fixture(scope="module")
def clips():
    """Of several segments, one without Z and one silent."""
    return [
        tiny.TinyClip(0, 5.3, ("",), channels=4),
        tiny.TinyClip(1, 2.1, ("",), channels=4, channel_mask=WXY),
        tiny.TinyClip(2, 2.0, ("",), channels=4, silent_s=2.0),
    ]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory, clips):
    folder = tmp_path_factory.mktemp("fields")
    tiny.build(folder, {"train": clips, "silent": clips[2:], "masked": clips[1:2]})
    return open_dataset(folder, "tiny_clips")


def least_squares(fields, channel):
    """The gain that `numpy.linalg.lstsq` finds for whole signals."""
    mono = np.concatenate([field[0] for field in fields]).astype(float)
    wanted = np.concatenate([field[channel] for field in fields]).astype(float)
    return np.linalg.lstsq(mono[:, None], wanted, rcond=None)[0][0]


def test_are_those_of_least_squares_over_what_was_recorded(dataset, clips):
    found = channel_gains(dataset, dataset.split("train"))
    fields = [clip.pcm[0] for clip in clips]
    expected = [
        least_squares(fields, 1),
        least_squares([fields[0], fields[2]], 2),
        least_squares(fields, 3),
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_without_signs_they_are_those_of_rectified_samples(dataset, clips):
    found = channel_gains(dataset, dataset.split("train"), has_sign=False)
    fields = [np.abs(clip.pcm[0].astype(float)) for clip in clips]
    expected = least_squares(fields, 1)
    np.testing.assert_allclose(found[0], expected, rtol=1e-12)
    assert found[0] > 0.5


def test_a_channel_that_no_clip_recorded_has_none(dataset, clips):
    found = channel_gains(dataset, dataset.split("masked"))
    assert found[1] == 0
    assert found[0] == pytest.approx(least_squares([clips[1].pcm[0]], 1))


def test_silence_has_none(dataset):
    found = channel_gains(dataset, dataset.split("silent"))
    np.testing.assert_array_equal(found, np.zeros(3))
