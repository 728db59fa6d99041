import numpy as np
import pytest
from PIL import Image

from spatialjax.errors import MediaError
from spatialjax.media import encode_jpeg, list_images, read_jpeg, resize_short_side
from tests.media.make import number_picture, read_number, write_images


def decode(content, tmp_path):
    path = tmp_path / "decoded"
    path.write_bytes(content)
    with Image.open(path) as image:
        image.load()
        return image


class TestListImages:
    def test_numbers_are_sorted_as_numbers(self, tmp_path):
        folder = tmp_path / "x.mp4"
        write_images(folder, [number_picture(0)] * 12, "{}.jpg", first=8)
        (folder / "readme.txt").write_text("")
        assert [path.stem for path in list_images(folder)] == [
            str(i) for i in range(8, 20)
        ]

    def test_other_names_are_sorted_as_text(self, tmp_path):
        for name in ("b.png", "a.jpg", "c10.jpeg"):
            Image.new("RGB", (8, 8)).save(tmp_path / name)
        names = [path.name for path in list_images(tmp_path)]
        assert names == ["a.jpg", "b.png", "c10.jpeg"]

    def test_a_gap_is_named(self, tmp_path):
        write_images(tmp_path / "f", [number_picture(0)] * 4)
        (tmp_path / "f" / "000003.jpg").unlink()
        with pytest.raises(MediaError, match=r"000002\.jpg .* expected number 3"):
            list_images(tmp_path / "f")

    def test_no_images(self, tmp_path):
        with pytest.raises(MediaError, match="has no images"):
            list_images(tmp_path)

    def test_no_permission(self, tmp_path, monkeypatch):
        def refuse(path):
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr("pathlib.Path.iterdir", refuse)
        with pytest.raises(MediaError, match="cannot be read: Permission denied"):
            list_images(tmp_path)

    def test_no_folder(self, tmp_path):
        (tmp_path / "a.mp4").write_text("")
        with pytest.raises(MediaError, match="does not exist"):
            list_images(tmp_path / "none")
        with pytest.raises(MediaError, match="is a file"):
            list_images(tmp_path / "a.mp4")


class TestResize:
    @pytest.mark.parametrize(
        ("size", "expected"),
        [
            ((640, 360), (455, 256)),
            ((360, 640), (256, 455)),
            ((512, 512), (256, 256)),
            ((300, 200), (300, 200)),
            ((4000, 257), (3984, 256)),
        ],
    )
    def test_short_side(self, size, expected):
        assert resize_short_side(Image.new("RGB", size), 256).size == expected

    def test_fine_stripes_average(self):
        stripes = np.zeros((64, 64, 3), np.uint8)
        stripes[:, ::2] = 255
        small = np.asarray(resize_short_side(Image.fromarray(stripes), 8), int)
        assert np.abs(small - 127.5).max() < 12

    @pytest.mark.parametrize("mode", ["P", "1", "RGBA", "L"])
    def test_fine_stripes_average_in_every_mode(self, mode):
        stripes = np.zeros((64, 64, 3), np.uint8)
        stripes[:, ::2] = 255
        small = resize_short_side(Image.fromarray(stripes).convert(mode), 8)
        assert small.mode == ("L" if mode == "L" else "RGB")
        assert np.abs(np.asarray(small, int) - 127.5).max() < 12


class TestReadJpeg:
    def test_small_jpeg_is_taken_over(self, tmp_path):
        path = tmp_path / "a.jpg"
        Image.fromarray(number_picture(77)).save(path)
        assert read_jpeg(path, 64) == (path.read_bytes(), (64, 64))

    def test_large_one_is_reduced(self, tmp_path):
        picture = number_picture(77, 128, 256)
        Image.fromarray(picture).save(tmp_path / "a.png")
        content, size = read_jpeg(tmp_path / "a.png", 64)
        assert size == (128, 64)
        image = decode(content, tmp_path)
        assert (image.format, image.size, image.mode) == ("JPEG", (128, 64), "RGB")
        assert read_number(image) == 77

    def test_orientation_of_a_camera(self, tmp_path):
        exif = Image.Exif()
        exif[0x0112] = 6  # to be turned by a quarter, clockwise
        turned = np.rot90(number_picture(3, 32, 64))
        Image.fromarray(turned).save(tmp_path / "a.jpg", exif=exif, quality=95)
        content, size = read_jpeg(tmp_path / "a.jpg", 64)
        assert size == (64, 32)
        assert read_number(decode(content, tmp_path)) == 3

    def test_grey_becomes_rgb(self, tmp_path):
        Image.new("L", (16, 16), 90).save(tmp_path / "a.jpg")
        content, _ = read_jpeg(tmp_path / "a.jpg", 64)
        assert decode(content, tmp_path).mode == "RGB"

    @pytest.mark.parametrize("kind", ["missing", "cut off", "text", "empty"])
    def test_broken(self, tmp_path, kind):
        path = tmp_path / "a.jpg"
        content = encode_jpeg(Image.fromarray(number_picture(1)))
        if kind != "missing":
            path.write_bytes(
                {"cut off": content[:-300], "text": b"text", "empty": b""}[kind]
            )
        with pytest.raises(MediaError, match=r"a\.jpg cannot be decoded") as caught:
            read_jpeg(path, 64)
        assert "\n" not in str(caught.value)
