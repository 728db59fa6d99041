import sys

import numpy as np
import pytest
from PIL import Image

from spatialjax.errors import MediaError, ShapeError
from spatialjax.media import flow as flow_module
from spatialjax.media.flow import (
    check_flow_can_be_estimated,
    decode_flow,
    decode_packed_flow,
    encode_flow,
    encode_packed_flow,
    optical_flow,
)

RNG = np.random.default_rng(0)


def texture(height=96, width=192):
    """A smooth random picture that goes on around the seam."""
    noise = RNG.normal(size=(height, width))
    row, column = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)
    low_pass = np.exp(-((row**2 + column**2) * 12**2))
    smooth = np.fft.ifft2(np.fft.fft2(noise) * low_pass).real
    picture = 127 + 50 * smooth / smooth.std()
    return np.repeat(np.clip(picture, 0, 255).astype(np.uint8)[..., None], 3, -1)


@pytest.mark.parametrize(("right", "down"), [(5, 0), (-7, 0), (4, 2), (0, 0)])
def test_a_picture_that_moves_by_whole_pixels_around_the_seam(right, down):
    before = texture()
    image = np.roll(before, (down, right), axis=(0, 1))
    flow = optical_flow(image, before)
    assert flow.shape == (96, 192, 2)
    assert flow.dtype == np.float16
    inner = flow[8:-8].astype(float)
    # Every column, those at the seam too; a few pixels go astray.
    error = np.linalg.norm(inner + np.array([right, down]), axis=-1)
    assert np.median(error, axis=0).max() < 0.2
    assert error.mean() < 0.2
    np.testing.assert_array_equal(flow * 16, np.round(flow * 16))


def test_without_wrapping_the_seam_would_be_wrong():
    before = texture()
    image = np.roll(before, 7, axis=1)
    plain = flow_module._estimator()[1].calc(image[..., 0], before[..., 0], None)
    error = np.linalg.norm(plain[8:-8] + np.array([7, 0]), axis=-1)
    assert np.median(error, axis=0).max() > 0.5


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (224, 448)])
def test_encoding_keeps_every_bit(size):
    flow = RNG.normal(0, 5, (*size, 2)).astype(np.float16)
    flow[0, 0] = [np.nan, -np.inf]
    flow.flat[-1] = -0.0
    again = decode_flow(encode_flow(flow))
    assert again.dtype == np.float16
    np.testing.assert_array_equal(again.view(np.uint16), flow.view(np.uint16))
    cut = flow[:, ::-1]
    np.testing.assert_array_equal(decode_flow(encode_flow(cut)), cut)


def test_an_estimate_is_compressed():
    before = texture(224, 448)
    flow = optical_flow(np.roll(before, 3, axis=1), before)
    assert len(encode_flow(flow)) < flow.nbytes / 8


def test_what_is_no_flow():
    content = encode_flow(np.zeros((4, 8, 2), np.float16))
    for broken in (b"", content[:-3], b"x" + content[1:], content[:6] + b"\1\1"):
        with pytest.raises(MediaError, match=f"{len(broken)} bytes are no flow"):
            decode_flow(broken)
    with pytest.raises(MediaError, match="flow is float32, expected float16"):
        encode_flow(np.zeros((4, 8, 2), np.float32))
    with pytest.raises(ShapeError, match="flow"):
        encode_flow(np.zeros((4, 8), np.float16))


def published_picture(u, v):
    """The published encoding of the motion (u, v), before JPEG."""
    magnitude = np.sqrt(u**2 + v**2)
    angle = np.arctan2(v, u) + np.pi
    angle[magnitude < 0.005] = 0
    low, high = magnitude.min(), magnitude.max()
    if high - low < 1:
        high = low + 1
    red = angle * 255 / 2 / np.pi
    blue = 255 * (magnitude - low) / (high - low)
    picture = np.stack([red, 0 * red, blue], -1).astype(np.uint8)
    return picture, (low, high)


def as_png(picture, path):
    Image.fromarray(picture).save(path)
    return path.read_bytes()


def test_b29_a_published_picture_gives_minus_the_motion(tmp_path):
    u, v = RNG.normal(0, 4, (2, 32, 64))
    picture, limits = published_picture(u, v)
    given = decode_packed_flow(as_png(picture, tmp_path / "a.png"), limits)
    expected = -np.stack([u, v], -1)
    assert np.abs(given - expected).max() < 0.04 * limits[1]


def test_b29_packed_flow_keeps_its_sign():
    row, column = np.mgrid[:64, :128] / 64
    flow = np.stack([6 * np.cos(column) + 2, 3 * np.sin(row) + 2], -1)
    content, limits = encode_packed_flow(flow)
    given = decode_packed_flow(content, limits).astype(float)
    error = np.abs(given - flow)
    assert error.mean() < 0.01 * limits[1]
    assert error.max() < 0.06 * limits[1]
    _, published_limits = published_picture(*np.moveaxis(-flow, -1, 0))
    np.testing.assert_allclose(limits, published_limits)


def test_a_still_picture_stays_still():
    content, limits = encode_packed_flow(np.zeros((16, 32, 2), np.float16))
    assert limits == (0, 1)
    assert not decode_packed_flow(content, limits).any()
    with pytest.raises(MediaError, match="flow cannot be decoded"):
        decode_packed_flow(content[:40], limits)


def test_without_opencv(monkeypatch):
    flow_module._estimator.cache_clear()
    monkeypatch.setitem(sys.modules, "cv2", None)
    picture = np.zeros((32, 64, 3), np.uint8)
    with pytest.raises(MediaError, match=r'not installed: pip install -e "\.\[flow\]"'):
        optical_flow(picture, picture)
    with pytest.raises(MediaError, match="needs OpenCV"):
        check_flow_can_be_estimated()
    with pytest.raises(MediaError, match="8 x 8 pixels has no flow"):
        optical_flow(picture[:8, :8], picture[:8, :8])
    with pytest.raises(ShapeError, match="before"):
        optical_flow(picture, picture[:, :-1])
