import pytest

from spatialjax.errors import MediaError
from tfds_builders.av_clips.rates import image_rate_hz


@pytest.mark.parametrize(
    ("num_images", "duration_s", "expected_hz", "rate_hz"),
    [
        (493, 61.6, 8.0, 8.0),
        (493, 62.4, 8.0, 8.0),  # the sound is longer by 0.8 s
        (10, 10.0, 8.0, 1.0),  # extracted at 1 per second, 8 expected
        (10, 9.7, 8.0, 1.0),
        (80, 10.0, 1.0, 8.0),
        (3600, 120.0, 8.0, 30.0),
        (3597, 120.02, 8.0, 30000 / 1001),
        (2997, 125.0, 8.0, 24000 / 1001),
        (16, 2.0, 8.0, 8.0),
        (70, 10.0, 7.0, 7.0),  # an unusual rate, but an expected one
        (1, 1.0, 8.0, 1.0),
    ],
)
def test_rate_from_the_data(num_images, duration_s, expected_hz, rate_hz):
    assert image_rate_hz(num_images, duration_s, expected_hz) == rate_hz


@pytest.mark.parametrize(
    ("num_images", "duration_s"), [(7000, 10.0), (70, 1000.0), (780, 60.0)]
)
def test_no_rate_fits(num_images, duration_s):
    with pytest.raises(MediaError, match="no usual rate"):
        image_rate_hz(num_images, duration_s, 8.0)
