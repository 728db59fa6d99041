import colorsys

import numpy as np
import pytest

from tfds_builders.instruments.colours import draw_paints, draw_wall, oklch


def test_oklch_of_greys_and_primaries():
    assert oklch(1.0, 0.0, 0.0) == (255, 255, 255)
    assert oklch(0.0, 0.0, 90.0) == (0, 0, 0)
    assert oklch(0.62796, 0.25768, 29.234) == (255, 0, 0)
    assert oklch(0.45201, 0.31321, 264.052) == (0, 0, 255)


@pytest.mark.parametrize("is_dark", [True, False])
def test_paints_stand_out_from_their_wall(is_dark):
    rng = np.random.default_rng(0)
    for _ in range(50):
        paints, wall = draw_paints(rng, is_dark), draw_wall(rng, is_dark)
        darkest, brightest = min(map(sum, wall)) / 3, max(map(sum, wall)) / 3
        body = sum(paints.body) / 3
        assert body > brightest + 20 if is_dark else body < darkest - 20
        assert sum(paints.dark) < sum(paints.body) < sum(paints.light)


def test_a_hue_that_is_asked_for_is_drawn():
    rng = np.random.default_rng(0)
    hues = [
        colorsys.rgb_to_hsv(*np.divide(draw_paints(rng, True, 145.0, 10.0).body, 255))[
            0
        ]
        for _ in range(50)
    ]
    assert 80 < 360 * min(hues) < 360 * max(hues) < 160  # green is 120 in HSV
