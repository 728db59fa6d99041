"""Pictures as the published transforms give them, up to rounding."""

import io

import numpy as np
import pytest
from PIL import Image

from spatialjax.data.images import Crop, decode_images, square_box
from spatialjax.errors import DataError
from tests.data.tiny import jpeg, plain


def scene(height, width, seed=0):
    """A smooth random picture as JPEG, and as it is decoded."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    picture = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
    file = jpeg(np.asarray(picture))
    return file, Image.open(io.BytesIO(file))


def decoded(file, crop, height, width):
    out = np.empty((1, height, width, 3), np.uint8)
    decode_images([file], crop, out)
    return out[0]


@pytest.mark.parametrize("size", [(60, 80), (90, 64), (40, 40), (30, 44)])
@pytest.mark.parametrize("place", [None, 0.0, 0.37, 0.999])
def test_equals_resizing_all_and_then_cutting(size, place):
    file, whole = scene(*size)
    crop = Crop(row=place, column=place, scale=1.1)
    short, (width, height) = int(36 * 1.1), whole.size
    if width < height:
        resized = whole.resize((short, int(short * height / width)), 3)
    else:
        resized = whole.resize((int(short * width / height), short), 3)
    room = resized.height - 36, resized.width - 36
    row, column = (
        (round(r / 2) if place is None else int(place * (r + 1))) for r in room
    )
    expected = np.asarray(resized)[row : row + 36, column : column + 36].astype(int)
    assert np.abs(decoded(file, crop, 36, 36) - expected).max() <= 2


def test_a_flip_mirrors_the_picture():
    file, _ = scene(50, 70)
    plain_cut = decoded(file, Crop(0.3, 0.8, 1.2), 32, 32)
    flipped = decoded(file, Crop(0.3, 0.8, 1.2, is_flipped=True), 32, 32)
    np.testing.assert_array_equal(flipped, plain_cut[:, ::-1])


def test_a_much_larger_picture_is_decoded_smaller_and_looks_the_same():
    file, whole = scene(400, 600)
    expected = np.asarray(whole.resize((96, 64), 3))[:, 16:80].astype(int)
    assert np.abs(decoded(file, Crop(), 64, 64) - expected).mean() < 1.5


def test_a_picture_that_is_not_square_is_covered():
    file, whole = scene(60, 80)
    expected = np.asarray(whole.resize((80, 60), 3))[10:50].astype(int)
    assert np.abs(decoded(file, Crop(), 40, 80) - expected).max() <= 2


def test_grey_pictures_become_rgb():
    file = io.BytesIO()
    Image.fromarray(np.full((40, 40), 99, np.uint8)).save(file, "JPEG")
    assert (decoded(file.getvalue(), Crop(), 16, 16) == 99).all()


def test_a_box_is_cut_out():
    pixels = plain(64, 96, (10, 10, 10))
    pixels[16:48, 56:88] = (200, 150, 100)
    box = square_box((0.25, 56 / 96, 0.5, 32 / 96), 64, 96, 0.0)
    inside = decoded(jpeg(pixels), Crop(box=box), 16, 16).astype(int)
    assert np.abs(inside[2:-2, 2:-2] - (200, 150, 100)).max() <= 3
    wide = decoded(jpeg(pixels), Crop(box=square_box(box, 64, 96, 0.5)), 16, 16)
    assert wide[8, 8, 0] > 190
    assert wide[2, 8, 0] < 30


@pytest.mark.parametrize(
    ("box", "margin", "expected"),
    [
        ((0.25, 0.25, 0.5, 0.25), 0.0, (0.25, 0.25, 0.5, 0.25)),
        ((0.25, 0.25, 0.5, 0.25), 0.5, (0.0, 0.125, 1.0, 0.5)),
        ((0.25, 0.0, 0.5, 0.25), 0.5, (0.0, 0.0, 1.0, 0.5)),  # moved inside
        ((0.5, 0.75, 0.5, 0.25), 0.25, (0.25, 0.625, 0.75, 0.375)),
        ((0.0, 0.0, 1.0, 1.0), 0.1, (0.0, 0.25, 1.0, 0.5)),  # no larger than it
        ((0.4, 0.4, 0.1, 0.2), 0.0, (0.25, 0.4, 0.4, 0.2)),  # the longer side
    ],
)
def test_square_boxes_of_a_picture_twice_as_wide_as_high(box, margin, expected):
    found = square_box(box, 100, 200, margin)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("file", [b"", b"no picture", scene(40, 40)[0][:300]])
def test_a_damaged_picture_is_refused(file):
    with pytest.raises(DataError, match="a picture cannot be decoded"):
        decoded(file, Crop(), 8, 8)
