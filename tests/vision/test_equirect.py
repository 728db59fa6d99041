import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spatialjax.ambisonics import (
    DecoderKind,
    DecoderScale,
    covariance,
    encode,
    energy_map,
    equirect_grid,
    plane_wave_decoder,
    rotate_yaw,
)
from spatialjax.errors import ShapeError
from spatialjax.vision import (
    Equirect,
    Taps,
    has_sphere_aspect,
    latitude_weights,
    mirror_image,
    pad_circular,
    reproject,
    resampling_taps,
    sample,
    yaw_image,
)
from tests.vision.spheres import psnr_db, rotation, smooth

pytestmark = pytest.mark.usefixtures("strict_dtypes")

HEIGHT, WIDTH = 32, 64
DIRECTION = Equirect().directions(HEIGHT, WIDTH)
IMAGE = smooth(DIRECTION).astype(np.float32)


def test_directions_are_those_of_the_convention():
    # The four pixels around the middle, the seam and the poles.
    np.testing.assert_allclose(
        DIRECTION[15:17, 31:33].mean((0, 1)), [1, 0, 0], atol=5e-3
    )
    assert (DIRECTION[15, :32, 1] > 0).all()
    assert (DIRECTION[15, 32:, 1] < 0).all()
    assert DIRECTION[15, 0, 0] < -0.99
    np.testing.assert_allclose(DIRECTION[15, 15:17].mean(0), [0, 1, 0.05], atol=5e-3)
    assert (np.diff(DIRECTION[..., 2], axis=0) < 0).all()


def test_b7_pixel_to_direction_to_pixel_is_the_identity():
    taps = Equirect().taps(DIRECTION, HEIGHT, WIDTH)
    np.testing.assert_allclose(sample(IMAGE, taps), IMAGE, atol=1e-3)
    nearest = np.take_along_axis(taps.pixel, taps.weight.argmax(0)[None], 0)[0]
    np.testing.assert_array_equal(nearest.ravel(), np.arange(HEIGHT * WIDTH))
    taps_of = jax.jit(lambda direction: Equirect().taps(direction, HEIGHT, WIDTH))
    traced = taps_of(jnp.float32(DIRECTION))
    traced = Taps(*map(np.asarray, traced))
    np.testing.assert_allclose(sample(IMAGE, traced), IMAGE, atol=0.1)


def test_any_direction_is_read_around_the_seam_and_over_the_poles():
    image = smooth(Equirect().directions(128, 256))
    direction = np.random.default_rng(0).normal(size=(4000, 3))
    direction = np.concatenate(
        [direction, [[0, 0, 1], [0, 0, -1], [-1, 1e-9, 0], [-1, -1e-9, 0]]]
    )
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    taps = Equirect().taps(direction, 128, 256)
    assert np.abs(sample(image, taps) - smooth(direction)).max() < 0.5
    np.testing.assert_allclose(taps.weight.sum(0), 1)


@pytest.mark.parametrize("angles", [(0.4, 0, 0), (0.4, 0.9, -1.2), (3, -1.5, 0.2)])
def test_a_pose_turns_the_picture(angles):
    image = smooth(Equirect().directions(128, 256))
    pose = rotation(*angles)
    seen = reproject(image, Equirect(), Equirect(pose), 64, 128)
    expected = smooth(Equirect().directions(64, 128) @ pose.T)
    assert psnr_db(seen, expected) > 50
    again = reproject(seen, Equirect(pose), Equirect(), 64, 128)
    assert psnr_db(again, smooth(Equirect().directions(64, 128))) > 45


def test_b7_rolling_by_columns_is_a_yaw():
    for columns in (0, 5, -9, 64):
        yaw_rad = 2 * np.pi * columns / WIDTH
        # The scene as it was, seen by a head that turns against it.
        pose = rotation(-yaw_rad, 0, 0)
        turned = reproject(IMAGE, Equirect(), Equirect(pose), HEIGHT, WIDTH)
        np.testing.assert_allclose(yaw_image(IMAGE, columns), turned, atol=1e-2)
    np.testing.assert_array_equal(
        jax.jit(yaw_image)(jnp.asarray(IMAGE), 5), np.roll(IMAGE, -5, 1)
    )


def test_b7_the_energy_map_of_a_turned_field_is_the_rolled_map():
    columns, order = 11, 3
    direction = np.float32([[0.8, 0.36, 0.48], [-0.6, 0.64, -0.48]])
    rms = np.float32([1.0, 0.5]).reshape(2, 1, 1)
    fields = rms * encode(np.ones((2, 1), np.float32), direction, order)
    fields = jnp.concatenate(list(fields), axis=-1)
    decoder = plane_wave_decoder(
        equirect_grid(HEIGHT, WIDTH).direction,
        order,
        DecoderKind.BASIC,
        DecoderScale.NONE,
    )

    def energy(field):
        return energy_map(covariance(field), decoder).reshape(HEIGHT, WIDTH, 1)

    turned = rotate_yaw(fields, 2 * np.pi * columns / WIDTH)
    expected = yaw_image(energy(fields), columns)
    np.testing.assert_allclose(energy(turned), expected, atol=1e-4)


def test_b25_a_marker_moves_as_the_azimuth():
    image = np.zeros((HEIGHT, WIDTH, 1), np.float32)
    image[10, 40] = 1
    azimuth_rad = np.pi - 2 * np.pi * (40 + 0.5) / WIDTH
    _, column, _ = np.argwhere(yaw_image(image, 7))[0]
    moved_rad = np.pi - 2 * np.pi * (column + 0.5) / WIDTH
    assert moved_rad - azimuth_rad == pytest.approx(2 * np.pi * 7 / WIDTH)


def test_the_mirror_exchanges_left_and_right():
    mirrored = smooth(DIRECTION * [1, -1, 1])
    np.testing.assert_allclose(mirror_image(IMAGE), mirrored, atol=1e-4)
    np.testing.assert_array_equal(mirror_image(mirror_image(IMAGE)), IMAGE)


def test_padding_goes_on_as_the_sphere_does():
    padded = pad_circular(IMAGE, 3, 5)
    assert padded.shape == (HEIGHT + 6, WIDTH + 10, 3)
    row, column = np.arange(-3, HEIGHT + 3)[:, None], np.arange(-5, WIDTH + 5)
    elevation_rad = np.pi / 2 - np.pi * (row + 0.5) / HEIGHT
    azimuth_rad = np.pi - 2 * np.pi * (column + 0.5) / WIDTH
    # Angles beyond a pole are directions like any other.
    x, y = np.cos(azimuth_rad), np.sin(azimuth_rad)
    z = np.broadcast_to(np.sin(elevation_rad), padded.shape[:2])
    direction = np.stack([x * np.cos(elevation_rad), y * np.cos(elevation_rad), z], -1)
    np.testing.assert_allclose(padded, smooth(direction), atol=1e-3)
    traced = jax.jit(pad_circular, static_argnums=(1, 2))(jnp.asarray(IMAGE), 3, 5)
    np.testing.assert_array_equal(traced, padded)
    np.testing.assert_array_equal(pad_circular(IMAGE, 0, 2)[:, 2:-2], IMAGE)


@pytest.mark.parametrize(
    ("rows", "columns", "width"), [(33, 0, 64), (1, 0, 63), (0, 65, 64)]
)
def test_padding_that_is_not_there(rows, columns, width):
    with pytest.raises(
        ShapeError, match=f"cannot be padded by {rows} rows and {columns}"
    ):
        pad_circular(IMAGE[:, :width], rows, columns)


def test_latitude_weights_are_areas():
    weights = latitude_weights(HEIGHT)
    area = equirect_grid(HEIGHT, WIDTH).weight.reshape(HEIGHT, WIDTH)[:, 0]
    np.testing.assert_allclose(weights / weights.sum(), area / area.sum(), rtol=1e-5)
    assert weights.mean() == pytest.approx(1)


def test_what_is_fine_becomes_grey_and_not_coarse():
    stripes = np.zeros((480, 960, 1), np.uint8)
    stripes[::2, ::2] = stripes[1::2, 1::2] = 255
    small = reproject(stripes, Equirect(), Equirect(), 56, 112)
    assert np.abs(small - 127.5).max() < 4
    taps = resampling_taps(Equirect(), Equirect(), (480, 960), (56, 112))
    assert np.abs(sample(stripes, taps) - 127.5).max() > 60


def test_a_whole_sphere_is_twice_as_wide_as_high_but_for_rounding():
    assert has_sphere_aspect(224, 448)
    assert has_sphere_aspect(1080, 2176)  # 2160 brought to a multiple of 16
    assert not has_sphere_aspect(1080, 1920)
