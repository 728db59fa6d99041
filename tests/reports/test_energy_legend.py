import matplotlib
import numpy as np
from PIL import Image

from spatialjax.reports.energy_legend import LEAST_HEIGHT, put_legend

COLOURS = matplotlib.colormaps["plasma"](np.arange(256), bytes=True)[:, :3]


def changed(height):
    picture = Image.new("RGB", (2 * height, height), (90, 90, 90))
    put_legend(picture, COLOURS, 20.0)
    return np.asarray(picture, int)


def test_it_lies_in_the_lower_left_and_shows_the_colours_in_order():
    picture = changed(720)
    rows, columns = np.nonzero((picture != 90).any(-1))
    assert 0.9 * 720 < rows.min() < rows.max() < 719
    assert 0 < columns.min() < columns.max() < 0.25 * 1440
    middle = picture[(rows.min() + rows.max()) // 2, columns.min() : columns.max()]
    distance = np.abs(middle[None] - COLOURS[20:236, None].astype(int)).sum(-1)
    places = distance.argmin(1)
    assert distance.min(1).max() < 12
    assert np.all(np.diff(places) >= 0)
    assert places[-1] - places[0] > 50


def test_small_pictures_stay_as_they_are():
    assert (changed(LEAST_HEIGHT - 2) == 90).all()
    assert (changed(LEAST_HEIGHT) != 90).any()
