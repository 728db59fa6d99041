"""Windows of stored clips equal those of the originals; errors name what to do."""

import dataclasses
import json
import pathlib
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest

from spatialjax.data import clips as clips_module
from spatialjax.data import open_dataset
from spatialjax.errors import DataError
from tests.data import tiny

ROOT = pathlib.Path(__file__).parents[2]


def test_knows_what_it_holds(dataset, media):
    assert dataset.sample_rate_hz == tiny.RATE_HZ
    assert dataset.classes == tiny.CLASSES
    manifest = json.loads((dataset.path / "manifest.json").read_text())
    assert dataset.hash == manifest["hash"]
    for split, originals in media.items():
        stored = dataset.split(split)
        assert [c.clip_id for c in stored] == [c.clip_id for c in originals]
        for clip, original in zip(stored, originals, strict=True):
            assert (clip.num_sources, clip.num_samples) == original.pcm.shape[::2]
            assert (clip.height, clip.width) == original.size
    assert dataset.split("odd")[2].class_ids == (-1,)


@pytest.mark.parametrize("split", ["train", "odd", "duets"])
def test_any_window_equals_the_original(dataset, media, split):
    rng = np.random.default_rng(0)
    for clip, original in zip(dataset.split(split), media[split], strict=True):
        pcm = original.pcm
        pad = 4000
        padded = np.pad(pcm, ((0, 0), (0, 0), (pad, pad)))
        for start, length in [
            (0, clip.num_samples),
            (clip.num_samples - 1, 1),
            (clip.num_samples + 5, 7),
            (-50, 20),
            *zip(rng.integers(-900, 9000, 40), rng.integers(1, 2500, 40), strict=True),
        ]:
            expected = padded[..., pad + start : pad + start + length]
            found = dataset.read_audio(clip, start, length)
            assert found.dtype == np.int16
            np.testing.assert_array_equal(found[..., : expected.shape[-1]], expected)
            assert not found[..., expected.shape[-1] :].any()


@pytest.mark.parametrize("split", ["train", "odd", "duets"])
def test_any_image_equals_the_original(dataset, media, split):
    for clip, original in zip(dataset.split(split), media[split], strict=True):
        stored = list(original.load().images)
        assert clip.num_images == len(stored)
        assert dataset.read_images(clip, range(clip.num_images)) == stored
        backwards = [clip.num_images - 1, 0, 0]
        assert dataset.read_images(clip, backwards) == [stored[i] for i in backwards]
        with pytest.raises(DataError, match=r"asked for \[-1\]"):
            dataset.read_images(clip, [-1])


def test_reads_only_what_it_touches_and_that_once(dataset, monkeypatch):
    read = []
    original = clips_module.Dataset.read_segment

    def counting(self, clip, segment):
        read.append(segment)
        return original(self, clip, segment)

    monkeypatch.setattr(clips_module.Dataset, "read_segment", counting)
    clip = dataset.split("train")[2]
    dataset.read(clip, 3000, 1000, [4, 5, 29])
    assert read == [0, 1, 2, 5]
    read.clear()
    dataset.read(clip, 99_000, 1000, [])
    assert read == []


def test_a_pickled_copy_opens_its_own_files(dataset):
    clip = dataset.split("train")[0]
    before = dataset.read_audio(clip, 0, 100)
    copy = pickle.loads(pickle.dumps(dataset))
    assert copy.hash == dataset.hash
    np.testing.assert_array_equal(copy.read_audio(clip, 0, 100), before)


def test_finds_the_newest_version_and_the_only_config(tmp_path, dataset):
    versions = ("a/9.0.0", "a/10.0.0", "a/incomplete.X_11.0.0", "b/small/1.0.0")
    configs = ("c/default/1.0.0", "c/large/1.0.0", "d/x/1.0.0", "d/y/1.0.0")
    for place in versions + configs:
        (tmp_path / place).mkdir(parents=True)
        shutil.copy(dataset.path / "clips.json", tmp_path / place)
    for name, place in {
        "a": "a/10.0.0",
        "a/9.0.0": "a/9.0.0",
        "b": "b/small/1.0.0",
        "b/small/": "b/small/1.0.0",
        "c": "c/default/1.0.0",
        "c/large": "c/large/1.0.0",
        "d/y/1.0.0": "d/y/1.0.0",
    }.items():
        assert open_dataset(tmp_path, name).path == tmp_path / place
    with pytest.raises(DataError, match=r"several configs: give one of d/x, d/y"):
        open_dataset(tmp_path, "d")
    with pytest.raises(DataError, match=r"no dataset 'b/smal'.*did you mean 'b/small'"):
        open_dataset(tmp_path, "b/smal")
    with pytest.raises(DataError, match=r"launch.build_dataset --dataset=toy_band "):
        open_dataset(tmp_path / "nowhere", "toy_band")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda content: content.pop("classes"), "damaged.*classes.*build"),
        (lambda content: content.update(format=2), "format 2, expected 1"),
        (lambda content: content["splits"]["train"][0].pop("boxes"), "damaged"),
        (lambda content: content["splits"]["train"][0].update(extra=1), "damaged"),
        (
            lambda content: content["splits"]["train"][1].update(clip_id="clip0"),
            "names clip 'clip0' twice in split 'train'",
        ),
    ],
)
def test_a_damaged_list_of_clips_is_one_line(tmp_path, dataset, change, text):
    content = json.loads((dataset.path / "clips.json").read_text())
    change(content)
    (tmp_path / "x" / "1.0.0").mkdir(parents=True)
    (tmp_path / "x" / "1.0.0" / "clips.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=text) as caught:
        open_dataset(tmp_path, "x")
    assert "\n" not in str(caught.value)


def test_a_list_that_is_no_json(tmp_path):
    (tmp_path / "x" / "1.0.0").mkdir(parents=True)
    (tmp_path / "x" / "1.0.0" / "clips.json").write_text("{")
    with pytest.raises(DataError, match="damaged"):
        open_dataset(tmp_path, "x")


def test_a_missing_split_names_the_nearest(dataset):
    with pytest.raises(DataError, match="no split 'tain': did you mean 'train'"):
        dataset.split("tain")


def test_an_empty_split_is_refused(tmp_path, dataset):
    content = json.loads((dataset.path / "clips.json").read_text())
    content["splits"]["train"] = []
    (tmp_path / "x" / "1.0.0").mkdir(parents=True)
    (tmp_path / "x" / "1.0.0" / "clips.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"split 'train' of dataset .* holds no clip"):
        open_dataset(tmp_path, "x").split("train")


def test_a_damaged_record_names_its_clip(tmp_path, dataset):
    shutil.copytree(dataset.path, tmp_path / "x" / "1.0.0")
    broken = open_dataset(tmp_path, "x")
    (file,) = broken.path.glob("*-train.array_record*")
    content = bytearray(file.read_bytes())
    for place in range(70_000, len(content) - 70_000, 500):
        content[place] ^= 0xFF
    file.write_bytes(content)

    def read_all():
        for clip in broken.split("train"):
            broken.read_audio(clip, 0, clip.num_samples)

    with pytest.raises(DataError, match=r"clip 'clip\d': segment .*damaged") as caught:
        read_all()
    assert "\n" not in str(caught.value)


def test_a_missing_file_names_its_clip(tmp_path, dataset):
    shutil.copytree(dataset.path, tmp_path / "x" / "1.0.0")
    broken = open_dataset(tmp_path, "x")
    (file,) = broken.path.glob("*-train.array_record*")
    file.unlink()
    with pytest.raises(DataError, match=r"clip 'clip0': segment 0.*damaged"):
        broken.read_audio(broken.split("train")[0], 0, 10)


def test_records_of_another_build_are_refused(dataset):
    first, _, third = dataset.split("train")[:3]
    moved = dataclasses.replace(first, first_record=third.first_record + 1)
    with pytest.raises(
        DataError, match=r"clip 'clip0'.*\(it is segment 1 of clip 'clip2'\)"
    ):
        dataset.read_audio(moved, 0, 10)
    longer = dataclasses.replace(first, num_samples=first.num_samples + 1)
    with pytest.raises(
        DataError, match=r"clip 'clip0'.*\(it holds \[1, 1, 800\], expected"
    ):
        dataset.read_audio(longer, 5000, 601)


@pytest.mark.slow
def test_threads_may_open_a_dataset_at_once(tmp_path):
    tiny.build(tmp_path, {"train": tiny.solos(4)})
    code = (
        "import concurrent.futures, sys, threading\n"
        "from spatialjax.data import open_dataset\n"
        "start = threading.Barrier(8)\n"
        "def read(k):\n"
        "    dataset = open_dataset(sys.argv[1], 'tiny_clips')\n"
        "    start.wait()\n"
        "    clip = dataset.split('train')[k % 4]\n"
        "    return dataset.read_segment(clip, 0)['audio'].shape\n"
        "with concurrent.futures.ThreadPoolExecutor(8) as pool:\n"
        "    print(len(list(pool.map(read, range(8)))))\n"
    )
    for _ in range(3):  # a deadlock of imports needs an unlucky order
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=ROOT,
        )
        assert done.stdout == "8\n", done.stderr
