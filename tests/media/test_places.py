import sys
import types

import fsspec
import pytest

from spatialjax.errors import MediaError, UserError
from spatialjax.media import (
    WorkingCopy,
    as_place,
    local_path,
    remove_folder,
    replaced_file,
    replaced_folder,
    told,
    write_file,
    write_wav_stream,
)
from tests import fake_store


@pytest.fixture
def objects(monkeypatch):
    with fake_store.fake_store(monkeypatch) as objects:
        yield objects


def names(objects):
    return sorted(name.removeprefix("bucket/") for name in objects)


def test_a_path_of_a_disk_stays_what_it_is(tmp_path):
    place = as_place(tmp_path / "a")
    assert place == tmp_path / "a" == local_path("x", str(place))
    assert isinstance(place, type(tmp_path))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("s3://bucket/run", "s3://bucket/run: of object stores, only gs:// is known"),
        ("https://host/a", "only gs:// is known"),
        ("gs:///run", "is no place in a store, expected gs://BUCKET"),
        ("gs:/bucket/run", "is no place in a store, expected gs://BUCKET"),
    ],
)
def test_another_url_is_refused(objects, path, text):
    with pytest.raises(UserError, match=text) as error:
        as_place(path)
    assert "\n" not in str(error.value)


def test_what_reads_a_store_may_be_missing(monkeypatch):
    def lack(protocol):
        raise ImportError(protocol)

    monkeypatch.setattr(fsspec, "get_filesystem_class", lack)
    with pytest.raises(UserError, match=r'gcsfs, .* pip install -e "\.\[gcs\]"'):
        as_place("gs://bucket/run")


@pytest.mark.parametrize(
    "write",
    [
        lambda url: write_wav_stream(url, 8000, 1, 9).__enter__(),
        lambda url: replaced_file(url).__enter__(),
        lambda url: local_path("the folder", url),
    ],
)
def test_what_is_written_on_disks_makes_no_folder_of_a_url(
    write, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"gs://bucket/a\.wav, a URL, but is used on"):
        write("gs://bucket/a.wav")
    assert not list(tmp_path.iterdir())


def test_a_file_of_a_store_is_put_whole(objects):
    write_file("gs://bucket/a/b.json", b"one")
    write_file("gs://bucket/a/b.json", memoryview(b"two"))
    assert as_place("gs://bucket/a/b.json").read_text() == "two"
    assert fake_store.ASKED == [("put", "bucket/a/b.json")] * 2


def test_a_store_that_refuses_is_one_line(objects, monkeypatch):
    class HttpError(Exception):
        """As that of gcsfs, which is no OSError."""

    monkeypatch.setitem(
        sys.modules, "gcsfs.retry", types.SimpleNamespace(HttpError=HttpError)
    )

    def refuse(*_words, **_more):
        raise HttpError("Anonymous caller\nmay not write, 401")

    monkeypatch.setattr(fake_store.FakeStore, "_open", refuse)
    with pytest.raises(MediaError, match="b cannot be written: Anonymous caller may"):
        write_file("gs://bucket/b", b"x")
    with pytest.raises(ZeroDivisionError), told("a defect stays one"):
        raise ZeroDivisionError


def test_a_folder_of_a_store_loses_what_its_next_form_lacks(objects):
    write_file("gs://bucket/page/of_someone", b"")
    for made in ("old", "new"):
        with replaced_folder("gs://bucket/page") as folder:
            (folder / "sounds").mkdir()
            (folder / "sounds" / f"{made}.wav").write_bytes(b"x")
            (folder / "index.html").write_text(made)
    below = ["page/.spatialjax", "page/index.html", "page/of_someone"]
    assert names(objects) == [*below, "page/sounds/new.wav"]
    assert as_place("gs://bucket/page/index.html").read_text() == "new"


def test_a_folder_of_a_store_that_failed_is_as_before(objects):
    def fail():
        with replaced_folder("gs://bucket/page") as folder:
            (folder / "index.html").touch()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not objects


def test_a_copy_puts_what_has_changed(objects):
    place = as_place("gs://bucket/run")
    write_file(place / "lines", b"1\n")
    with WorkingCopy(place, ("lines", "absent")) as copy:
        assert (copy.folder / "lines").read_text() == "1\n"
        with (copy.folder / "lines").open("a") as file:
            file.write("2\n")
        copy.put()
        assert objects["bucket/run/lines"][0] == b"1\n2\n"
        (copy.folder / "deep").mkdir()
        (copy.folder / "deep" / "other").write_text("x")
    assert not copy.folder.exists()
    put = [name.removeprefix("bucket/run/") for _, name in fake_store.ASKED]
    assert put == ["lines", "lines", "deep/other"]


def test_the_copy_of_a_place_on_a_disk_is_that_place(tmp_path):
    with WorkingCopy(tmp_path) as copy:
        (copy.folder / "a").touch()
    assert (tmp_path / "a").exists()


def test_a_folder_goes_with_all_below_it(objects, tmp_path):
    write_file("gs://bucket/a/b/c", b"")
    write_file("gs://bucket/ab", b"")
    (tmp_path / "a" / "b").mkdir(parents=True)
    for place in (as_place("gs://bucket/a"), tmp_path / "a"):
        remove_folder(place)
        remove_folder(place)
        assert not place.exists()
    assert names(objects) == ["ab"]
