import json
import shutil

import numpy as np
import pytest
from PIL import Image

from spatialjax.errors import ConfigError, DataError, MediaError
from tests.media.make import number_picture, tone, write_images, write_sound
from tests.tfds_builders.raw.videos import files_of
from tfds_builders.av_clips.index import read_source
from tfds_builders.raw.index import build_index
from tfds_builders.raw.splits import SplitRules

CLASSES = ("cello", "tuba")


def write_clip(root, clip_id, num_images=8):
    """A sound and its folder of images, as `preprocess` makes them."""
    sound = root / "audio" / f"{clip_id}.wav"
    sound.parent.mkdir(parents=True, exist_ok=True)
    write_sound(sound, tone(num_images / 8, 11025), 11025)
    pictures = [number_picture(i) for i in range(num_images)]
    write_images(root / "frames" / f"{clip_id}.mp4", pictures)


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """Four solos of each class, two duets."""
    root = tmp_path_factory.mktemp("media")
    for label in CLASSES:
        for number in range(4):
            write_clip(root, f"{label}/{number}")
    for number in range(2):
        write_clip(root, f"flute violin/{number}")
    return root


@pytest.fixture
def own(media, tmp_path):
    """A copy to change."""
    return shutil.copytree(media, tmp_path / "media")


def rows(folder, split):
    return (folder / f"{split}.csv").read_text().splitlines()


def summary(folder):
    return json.loads((folder / "index.json").read_text())


def test_splits(media, tmp_path):
    index = build_index(media, tmp_path, min_images=8)
    assert {split: len(v) for split, v in index.splits.items()} == {
        "train": 6,
        "val": 2,
        "test": 2,
    }
    assert index.duets == ["flute violin"]
    assert sorted(rows(tmp_path, "all")) == sorted(
        f"{media}/audio/{entry.clip_id}.wav,{media}/frames/{entry.clip_id}.mp4,8"
        for entries in index.splits.values()
        for entry in entries
    )
    assert all("flute violin" in row for row in rows(tmp_path, "test"))
    for split in ("train", "val"):
        text = "\n".join(rows(tmp_path, split))
        assert all(label in text for label in CLASSES)
        assert "flute" not in text
    counts = summary(tmp_path)["counts"]
    assert counts["val"] == {"cello": 1, "tuba": 1}
    assert counts["test"] == {"flute violin": 2}


def test_a_run_again_gives_the_same_bytes(media, tmp_path):
    build_index(media, tmp_path, min_images=1)
    before = files_of(tmp_path)
    build_index(media, tmp_path, min_images=1)
    assert files_of(tmp_path) == before
    build_index(media, tmp_path, min_images=1, rules=SplitRules(seed=1))
    assert files_of(tmp_path) != before


def test_what_is_left_out_and_why(own, tmp_path):
    write_clip(own, "cello/short", 5)
    for part in ("audio/cello/3.wav", "frames/tuba/1.mp4/000003.jpg"):
        (own / part).unlink()
    shutil.rmtree(own / "frames" / "cello" / "2.mp4")
    index = build_index(own, tmp_path / "index", min_images=6)
    reasons = {clip.clip_id: clip.reason for clip in index.left_out}
    assert set(reasons) == {"cello/short", "cello/2", "cello/3", "tuba/1"}
    assert reasons["cello/short"] == "it has 5 images, min_images is 6"
    assert reasons["cello/3"] == "its images have no sound"
    assert "does not exist" in reasons["cello/2"]
    assert "000002.jpg is followed by 000004.jpg" in reasons["tuba/1"]
    listed = summary(tmp_path / "index")["left_out"]
    assert {clip["clip_id"] for clip in listed} == set(reasons)


def test_folders_of_images_without_a_sound_keep_their_names(own, tmp_path):
    pictures = [number_picture(1)]
    for name in ("tuba/v1.2", "tuba/v1.3.mp4", ".trash/tuba/x.mp4", "tuba/.y.mp4"):
        write_images(own / "frames" / name, pictures)
    index = build_index(own, tmp_path / "index", min_images=6)
    assert [clip.clip_id for clip in index.left_out] == ["tuba/v1.2", "tuba/v1.3"]


def test_an_index_inside_moves_with_the_media(own, tmp_path):
    build_index(own, own / "index", min_images=1)
    assert all(row.startswith("audio/") for row in rows(own / "index", "all"))
    moved = own.rename(tmp_path / "moved")
    for row in read_source(str(moved / "index")):
        assert row.audio_path.startswith(str(moved))
        assert row.split in ("train", "validation", "test")


def test_folders_of_splits_are_the_splits(own, tmp_path):
    for split in ("train", "val", "test"):
        write_clip(tmp_path / "media3", f"{split}/cello/{split}")
    index = build_index(tmp_path / "media3", tmp_path / "index", min_images=1)
    assert {s: [e.clip_id for e in v] for s, v in index.splits.items()} == {
        s: [f"cello/{s}"] for s in ("train", "val", "test")
    }
    write_clip(own, "train/1")
    counts = build_index(own, tmp_path / "other", min_images=1)
    assert "train" in {e.label for v in counts.splits.values() for e in v}


def test_silence_is_one_picture_each(media, tmp_path):
    pictures = tmp_path / "rooms"
    pictures.mkdir()
    for number in range(3):
        wide = np.full((300, 500, 3), 60 * number, np.uint8)
        Image.fromarray(wide).save(pictures / f"room{number}.png")
    (pictures / "broken.jpg").write_text("no picture")
    output = tmp_path / "index"
    index = build_index(
        media, output, min_images=8, silence_pictures=pictures, num_silence=2
    )
    quiet = [row for row in rows(output, "train") if "silen" in row]
    assert sorted(quiet) == [f"silence/000{n}.silent,silence/000{n},1" for n in (1, 2)]
    assert not any("silen" in row for s in ("val", "test") for row in rows(output, s))
    with Image.open(output / "silence" / "0001" / "000001.jpg") as image:
        assert image.size == (427, 256)
    index = build_index(media, output, min_images=8, silence_pictures=pictures)
    (broken,) = index.left_out
    assert broken.clip_id == "silence/broken.jpg"
    assert summary(output)["counts"]["train"]["silence"] == 3


def refusal(source, output, error=DataError, **kwargs):
    before = files_of(output)
    with pytest.raises(error) as found:
        build_index(source, output, **kwargs)
    assert files_of(output) == before
    return str(found.value)


def test_what_is_refused(media, tmp_path):
    output = tmp_path / "index"
    assert "has no folders audio and frames" in refusal(tmp_path, output)
    text = refusal(media, output)
    assert text.startswith(f"none of the 10 clips in {media} can be used, such as")
    assert "it has 8 images, min_images is 160; mend them, or lower" in text
    assert "min_images is -1" in refusal(media, output, ConfigError, min_images=-1)
    text = refusal(media, output, min_images=1, silence_pictures=output)
    assert "cannot be read" in text
    (tmp_path / "none").mkdir()
    text = refusal(media, output, min_images=1, silence_pictures=tmp_path / "none")
    assert "holds no picture (.jpg" in text
    assert not output.exists()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_no_sound_or_no_class(own, tmp_path):
    write_clip(own, "alone")
    assert "alone.wav has no class" in refusal(own, tmp_path / "index")
    shutil.rmtree(own / "audio")
    (own / "audio").mkdir()
    assert "audio has no sound" in refusal(own, tmp_path / "index")


def test_other_files_are_kept(media, tmp_path):
    (tmp_path / "notes.txt").touch()
    text = refusal(media, tmp_path, MediaError, min_images=1)
    assert "holds other files, as notes.txt" in text
