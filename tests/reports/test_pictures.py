import io
import xml.etree.ElementTree

import numpy as np
from PIL import Image

from spatialjax.reports import pictures


def pixels(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), float)


def test_a_mask_is_white_where_it_lets_through_with_low_notes_below():
    mask = np.zeros((64, 4))
    mask[:16, :2] = 1
    grey = pixels(pictures.mask_png(mask)).mean(-1)
    assert grey.shape == (64, 256)
    assert (grey[48:, :128] == 255).all()
    assert (grey[:48] == 0).all()
    assert (grey[:, 128:] == 0).all()


def test_a_spectrogram_brightens_with_level_and_ends_at_the_floor():
    magnitude = np.array([[1.0, 1e-2, 1e-9, 0.0]])
    shades = pixels(pictures.spectrogram_png(magnitude, 1.0)).mean(-1)[0, ::64]
    assert shades[0] > shades[1] > shades[2] == shades[3]


def test_many_bins_are_averaged():
    assert pixels(pictures.mask_png(np.ones((512, 256)))).shape == (256, 256, 3)


def test_silence_has_a_picture():
    assert np.isfinite(pixels(pictures.spectrogram_png(np.zeros((4, 4)), 0.0))).all()
    assert np.isfinite(pixels(pictures.weight_png(np.zeros((4, 4))))).all()


def test_an_image_is_kept_to_the_bit():
    image = np.random.default_rng(0).integers(0, 256, (5, 6, 3)).astype(np.uint8)
    np.testing.assert_array_equal(pixels(pictures.image_png(image)), image)


def test_a_sphere_is_plain_or_dimmed_below_its_levels():
    image = np.full((4, 8, 3), (220, 100, 70), np.uint8)
    assert (pixels(pictures.sphere_png(image)) == (220, 100, 70)).all()
    level = np.zeros((4, 8))
    level[:, 6:] = 1
    mixed = pixels(pictures.sphere_png(image, level))
    assert mixed.shape == (240, 480, 3)
    np.testing.assert_array_equal(mixed[120, 60], (61, 40, 35))
    np.testing.assert_allclose(mixed[120, 470], (252, 255, 164), atol=1)


def test_a_curve_of_one_point_is_seen():
    def has_marker(steps):
        return "fill: #1f77b4" in pictures.curves_svg({"one": (steps, steps)}, "loss")

    assert has_marker([5])
    assert not has_marker([5, 6])


def test_curves_are_well_formed_and_repeatable():
    curves = {"training": ([1, 2], [0.7, 0.5]), "validation": ([2], [0.6])}
    text = pictures.curves_svg(curves, "loss")
    assert xml.etree.ElementTree.fromstring(text).tag.endswith("svg")
    assert text == pictures.curves_svg(curves, "loss")
