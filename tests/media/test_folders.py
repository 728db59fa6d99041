import os
import pathlib

import pytest

from spatialjax.errors import MediaError
from spatialjax.media.folders import check_replaceable, replaced_folder


def _write(folder, *names):
    with replaced_folder(folder) as new:
        for name in names:
            path = new / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(name)


def _names(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_replaces_what_it_wrote(tmp_path):
    folder = tmp_path / "above" / "page"
    _write(folder, "index.html", "sounds/1.wav", "sounds/2.wav")
    _write(folder, "index.html", "sounds/3.wav")
    assert _names(folder) == [".spatialjax", "index.html", "sounds/3.wav"]
    assert os.stat(folder).st_mode & 0o777 == 0o755
    assert [p.name for p in folder.parent.iterdir()] == ["page"]


def test_an_empty_folder_is_taken(tmp_path):
    _write(tmp_path, "index.html")
    assert _names(tmp_path) == [".spatialjax", "index.html"]


@pytest.mark.parametrize("is_ours", [True, False])
def test_files_of_others_stay(is_ours, tmp_path):
    folder = tmp_path / "site"
    if is_ours:
        _write(folder, "index.html")
    else:
        folder.mkdir()
        (folder / "index.html").write_text("my own site")
    (folder / "thesis.tex").write_text("years")
    before = _names(folder)
    with pytest.raises(MediaError, match="other files"):
        _write(folder, "index.html")
    assert _names(folder) == before


def test_a_failure_leaves_the_old_folder(tmp_path):
    folder = tmp_path / "page"
    _write(folder, "old.txt")
    with pytest.raises(NotADirectoryError), replaced_folder(folder) as new:
        ((new / "new.txt").write_text("half"), (new / "new.txt" / "below").mkdir())
    assert _names(folder) == [".spatialjax", "old.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["page"]


def test_a_link_leads_to_the_folder(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    _write(real, "old.txt")
    link.symlink_to(real)
    _write(link, "new.txt")
    assert link.is_symlink()
    assert _names(real) == [".spatialjax", "new.txt"]


def test_places_that_cannot_be_a_folder(tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(MediaError, match="is a file"):
        check_replaceable(file)
    with pytest.raises(MediaError, match="below a file"):
        check_replaceable(file / "page")
    assert file.read_text() == "x"


def test_home_is_known(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    _write(pathlib.Path("~/page"), "index.html")
    assert (tmp_path / "page" / "index.html").is_file()


def test_a_file_of_the_user_deep_inside_is_kept(tmp_path):
    with replaced_folder(tmp_path / "out") as new:
        (new / "sources").mkdir()
        (new / "sources" / "1.wav").write_text("ours")
    (tmp_path / "out" / "sources" / "mine.wav").write_text("keep")
    with pytest.raises(MediaError, match=r"holds other files, as sources/mine\.wav"):
        check_replaceable(tmp_path / "out")
    (tmp_path / "out" / "sources" / "mine.wav").unlink()
    check_replaceable(tmp_path / "out")


def test_folders_made_above_are_gone_after_a_failure(tmp_path):
    with pytest.raises(MediaError, match="broken"), replaced_folder(tmp_path / "a/b/c"):
        raise MediaError("broken")
    assert list(tmp_path.iterdir()) == []
    with replaced_folder(tmp_path / "a" / "b" / "c"):
        pass
    assert (tmp_path / "a" / "b" / "c").is_dir()


def test_a_mount_point_is_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("os.path.ismount", lambda path: str(path) == str(tmp_path))
    with pytest.raises(MediaError, match="is a mount point"):
        check_replaceable(tmp_path)
