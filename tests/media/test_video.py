import fractions

import numpy as np
import pytest

from spatialjax.errors import MediaError
from spatialjax.media import sample_images
from tests.media.make import (
    number_picture,
    read_number,
    tone,
    without_decoder,
    write_sound,
    write_video,
)


def numbers(path, rate_hz, start_s=None):
    return [read_number(image) for image in sample_images(path, rate_hz, start_s)]


def test_own_rate_gives_each_frame_once(tmp_path):
    write_video(tmp_path / "a.mp4", [number_picture(i) for i in range(24)], 8)
    assert numbers(tmp_path / "a.mp4", 8) == list(range(24))


def test_lower_rate_shows_what_is_seen_at_that_time(tmp_path):
    write_video(tmp_path / "a.mp4", [number_picture(i) for i in range(50)], 25)
    # Times 1/16, 3/16, ... s, at 25 frames per second.
    expected = [int((i + 0.5) / 8 * 25) for i in range(16)]
    assert numbers(tmp_path / "a.mp4", 8) == expected


def test_higher_rate_repeats(tmp_path):
    write_video(tmp_path / "a.mp4", [number_picture(i) for i in range(4)], 2)
    assert numbers(tmp_path / "a.mp4", 8) == [i // 4 for i in range(16)]


def test_variable_rate_goes_by_time_stamps(tmp_path):
    times_s = [0.0, 0.1, 1.0, 1.05, 2.0, 2.5]
    pictures = [number_picture(i) for i in range(6)]
    write_video(tmp_path / "a.mkv", pictures, 25, times_s=times_s)
    shown = numbers(tmp_path / "a.mkv", 4)
    expected = [
        int(np.searchsorted(times_s, (i + 0.5) / 4, side="right")) - 1
        for i in range(10)
    ]
    assert shown[:10] == expected


def test_start_moves_time_zero(tmp_path):
    write_video(tmp_path / "a.mp4", [number_picture(i) for i in range(16)], 8)
    assert numbers(tmp_path / "a.mp4", 8, start_s=0.5) == list(range(4, 16))
    # Before the first frame, the first one stands.
    assert numbers(tmp_path / "a.mp4", 8, start_s=-0.25)[:4] == [0, 0, 0, 1]


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_rotation_is_applied(tmp_path, rotation):
    picture = number_picture(5, 32, 64)
    write_video(tmp_path / "a.mp4", [picture] * 4, 8, rotation=rotation)
    image = next(sample_images(tmp_path / "a.mp4", 8))
    assert image.size == ((32, 64) if abs(rotation) == 90 else (64, 32))
    upright = np.rot90(picture, rotation // 90)
    assert np.abs(np.asarray(image, int) - upright).mean() < 8


def test_pixels_become_square(tmp_path):
    aspect = fractions.Fraction(2, 1)
    write_video(tmp_path / "a.mkv", [number_picture(9)] * 4, 8, aspect=aspect)
    image = next(sample_images(tmp_path / "a.mkv", 8))
    assert image.size == (128, 64)
    assert read_number(image) == 9


def test_no_pictures(tmp_path):
    write_sound(tmp_path / "a.wav", tone(0.1, 8000), 8000)
    with pytest.raises(MediaError, match=r"a\.wav has no picture stream"):
        numbers(tmp_path / "a.wav", 8)


def test_no_decoder(tmp_path):
    write_video(tmp_path / "a.mkv", [number_picture(1)] * 4, 8)
    without_decoder(tmp_path / "a.mkv", "h264")
    with pytest.raises(MediaError, match="no decoder for picture stream 0"):
        numbers(tmp_path / "a.mkv", 8)


def test_a_sound_without_decoder_is_in_nobodys_way(tmp_path):
    path = tmp_path / "a.mkv"
    write_video(path, [number_picture(i) for i in range(8)], 8, tone(1.0, 22050))
    without_decoder(path, "aac")
    assert numbers(path, 8) == list(range(8))


def test_cover_picture_is_no_video(tmp_path):
    import io

    import av
    from PIL import Image

    cover = io.BytesIO()
    Image.fromarray(number_picture(1)).save(cover, "PNG")
    path = tmp_path / "a.mp3"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("libmp3lame", rate=44100, layout="mono")
        picture = container.add_stream("png")
        picture.width = picture.height = 64
        picture.pix_fmt = "rgb24"
        packet = av.Packet(cover.getvalue())
        packet.stream, packet.pts, packet.dts = picture, 0, 0
        container.start_encoding()
        container.mux(packet)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 1152), np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts = 44100, 0
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    with pytest.raises(MediaError, match="no picture stream"):
        numbers(path, 8)


def test_broken_stream_names_file_and_codec(tmp_path):
    path = tmp_path / "a.mkv"
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (20, 64, 64, 3)).astype(np.uint8)
    write_video(path, list(noise), 8)
    content = bytearray(path.read_bytes())
    start = content.find(b"\x1f\x43\xb6\x75") + 200
    content[start:] = rng.bytes(len(content) - start)
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"a\.mkv") as caught:
        numbers(path, 8)
    assert "\n" not in str(caught.value)
