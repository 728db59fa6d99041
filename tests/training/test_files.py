import errno
import os

import pytest

from spatialjax.errors import UserError
from spatialjax.training.files import advice, cannot_write, write_whole


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    write_whole(tmp_path / "a" / "b.json", b"one")
    write_whole(tmp_path / "a" / "b.json", b"two")
    assert (tmp_path / "a" / "b.json").read_bytes() == b"two"
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    with pytest.raises(UserError, match=r"cannot write .*folder: Is a directory$"):
        write_whole(tmp_path / "folder", b"three")
    assert {path.name for path in tmp_path.rglob("*")} == {
        "a", "b.json", "folder", "inner",
    }  # fmt: skip


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_told_with_what_to_do(tmp_path, number):
    error = OSError(number, os.strerror(number))
    text = str(cannot_write(tmp_path / "metrics.jsonl", error))
    assert f"metrics.jsonl: {os.strerror(number)}; free some room" in text
    assert text.endswith("or take a workdir elsewhere")
    assert "free some room" in advice(RuntimeError(f"[OS error] {error.strerror}"))
    assert advice(PermissionError(errno.EACCES, "Permission denied")) == ""
