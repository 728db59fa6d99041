"""Files that appear whole or not at all."""

import os

import pytest

from spatialjax.errors import MediaError
from spatialjax.media.new_file import replaced_file


def test_a_file_and_its_folders_appear(tmp_path):
    path = tmp_path / "a" / "x.mp4"
    with replaced_file(path) as part:
        assert part.suffix == ".mp4"
        assert not path.exists()
        part.write_bytes(b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(path.parent) == ["x.mp4"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_after_an_error_the_old_file_stays_alone(tmp_path):
    path = tmp_path / "x.mp4"
    path.write_bytes(b"old")

    def write_half():
        with replaced_file(path) as part:
            part.write_bytes(b"half")
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        write_half()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x.mp4"]


def test_what_is_in_the_way_is_told(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(MediaError, match="is a folder, expected the name of a file"),
        replaced_file(tmp_path),
    ):
        pass
    with (
        pytest.raises(MediaError, match=r"x.mp4 cannot be written: "),
        replaced_file(tmp_path / "file" / "x.mp4"),
    ):
        pass
