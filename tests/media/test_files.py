import errno
import os

import pytest

from spatialjax.errors import MediaError
from spatialjax.media import cannot_write, room_advice, write_file


def test_writes_and_replaces(tmp_path):
    path = tmp_path / "new" / "a.bin"
    write_file(path, b"one")
    write_file(path, memoryview(b"two"))
    assert path.read_bytes() == b"two"
    assert [item.name for item in path.parent.iterdir()] == ["a.bin"]


@pytest.mark.parametrize("call", ["replace", "fdopen"])
def test_nothing_is_left_behind(tmp_path, monkeypatch, call):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def no_room(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, no_room)
    with pytest.raises(MediaError, match=r"a\.bin cannot be written: No space left"):
        write_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.bin"]


def test_below_a_regular_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MediaError, match="cannot be written"):
        write_file(tmp_path / "file" / "a.bin", b"")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_told_with_what_to_do(tmp_path, number):
    error = OSError(number, os.strerror(number))
    text = str(cannot_write(tmp_path / "a.bin", error))
    assert f"a.bin cannot be written: {os.strerror(number)}; free some room" in text
    assert "free some room" in room_advice(RuntimeError(f"[OS] {error.strerror}"))
    assert room_advice(PermissionError(errno.EACCES, "Permission denied")) == ""
