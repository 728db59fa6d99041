import io
import json

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from spatialjax.errors import ConfigError, DataError
from tests.media.make import (
    number_picture,
    read_number,
    tone,
    without_decoder,
    write_images,
    write_sound,
    write_video,
)
from tfds_builders.av_clips import AvClips

RATE_HZ = 11025


def write_clip(root, label, number, kind="images", seconds=1.5):
    """One clip as the published collections store it; its row of the index."""
    onset_s = 0.1 * number
    name = f"{label}/{number:011d}"
    audio = root / "audio" / f"{name}.{'mp3' if kind == 'images' else 'wav'}"
    frames = root / "frames" / f"{name}.mp4"
    audio.parent.mkdir(parents=True, exist_ok=True)
    frames.parent.mkdir(parents=True, exist_ok=True)
    write_sound(audio, tone(seconds, RATE_HZ, 400.0, onset_s), RATE_HZ)
    pictures = [number_picture(16 * number + i) for i in range(int(8 * seconds))]
    if kind == "images":
        write_images(frames, pictures)
    else:
        write_video(frames, pictures, 8)
    return f"./audio/{audio.relative_to(root / 'audio')},{frames},{len(pictures)}"


def prepare(tmp_path, source, config="default", **kwargs):
    builder = AvClips(
        config=config, data_dir=tmp_path / "data", source=str(source), **kwargs
    )
    builder.download_and_prepare()
    names = ("clips", "missing", "manifest")
    return builder.data_path, *(
        json.loads((builder.data_path / f"{name}.json").read_text()) for name in names
    )


def test_index_with_images_videos_and_broken_rows(tmp_path):
    rows = [
        write_clip(tmp_path, "cello", 1, "images"),
        write_clip(tmp_path, "cello", 2, "video"),
        "audio/cello/none.mp3,frames/cello/none,12",
        write_clip(tmp_path, "tuba", 3, "images"),
        write_clip(tmp_path, "tuba", 4, "video"),
        f"audio/room.silent,{tmp_path}/frames/cello/00000000001.mp4,12",
    ]
    rows[3] = rows[3].rpartition(",")[0] + ",0"
    (tmp_path / "train.csv").write_text("\n".join(rows[:4]) + "\n" + rows[5])
    (tmp_path / "test.csv").write_text(rows[4])
    folder, clips, missing, manifest = prepare(tmp_path, tmp_path, max_missing=0.4)
    assert clips["classes"] == ["cello", "silence", "tuba"]
    train, test = clips["splits"]["train"], clips["splits"]["test"]
    ids = ["cello/00000000001", "cello/00000000002"]
    assert [clip["clip_id"] for clip in train[:2]] == ids
    assert [clip["class_ids"] for clip in train] == [[0], [0], [1]]
    assert [clip["class_ids"] for clip in test] == [[2]]
    assert {clip["image_rate_hz"] for clip in train + test} == {8.0}
    assert {(clip["height"], clip["width"]) for clip in train + test} == {(64, 64)}
    assert [(entry["clip_id"], entry["reason"]) for entry in missing] == [
        (
            "cello/none",
            f"{tmp_path}/audio/cello/none.mp3 does not exist, expected a media file",
        ),
        ("tuba/00000000003", "NUMBER_FRAMES is 0: the clip has no pictures"),
    ]
    assert len(manifest["hash"]) == 64
    source = tfds.builder_from_directory(folder).as_data_source("train")
    for number, record in ((1, source[0]), (2, source[1])):
        images = [Image.open(io.BytesIO(image)) for image in record["images"]]
        assert [read_number(image) for image in images] == [
            16 * number + i for i in range(12)
        ]
        loud = np.flatnonzero(np.abs(record["audio"][0, 0].astype(int)) > 2000)
        assert loud[0] / RATE_HZ == pytest.approx(0.1 * number, abs=0.005)
    assert not source[2]["audio"].any()


def test_folder_of_videos_is_split_by_class(tmp_path):
    for label in ("cello", "tuba"):
        (tmp_path / "source" / label).mkdir(parents=True)
        for number in range(3):
            pictures = [number_picture(number)] * 4
            path = tmp_path / "source" / label / f"{number}.mp4"
            write_video(path, pictures, 8, tone(0.5, 22050), 22050)
    _, clips, missing, _ = prepare(tmp_path, tmp_path / "source")
    assert missing == []
    assert {name: len(found) for name, found in clips["splits"].items()} == {
        "train": 2,
        "validation": 2,
        "test": 2,
    }
    for found in clips["splits"].values():
        assert sorted(clip["class_ids"] for clip in found) == [[0], [1]]


def test_music_keeps_duets_apart(tmp_path):
    for number in range(1, 4):
        write_clip(tmp_path, "cello", number, seconds=0.5)
    write_clip(tmp_path, "cello tuba", 4, seconds=0.5)
    _, clips, _, _ = prepare(tmp_path, tmp_path, "music")
    assert clips["classes"] == ["cello"]
    (duet,) = clips["splits"]["duets"]
    assert duet["clip_id"] == "cello tuba/00000000004"
    assert duet["class_ids"] == [-1]
    assert set(clips["splits"]) == {"train", "validation", "test", "duets"}


def test_space_is_part_of_other_labels(tmp_path):
    write_clip(tmp_path, "dog barking", 1, seconds=1.0)
    _, clips, _, _ = prepare(tmp_path, tmp_path, "vggsound")
    assert clips["classes"] == ["dog barking"]
    assert clips["splits"]["train"][0]["image_rate_hz"] == 1.0


def test_settings_replace_those_of_the_config(tmp_path):
    write_clip(tmp_path, "cello", 1, seconds=1.0)
    settings = {"sample_rate_hz": 16000, "image_rate_hz": 2.0, "short_side": 32}
    _, clips, _, _ = prepare(tmp_path, tmp_path, settings=settings)
    (clip,) = clips["splits"]["train"]
    assert clips["sample_rate_hz"] == 16000
    assert (clip["image_rate_hz"], clip["height"]) == (2.0, 32)
    with pytest.raises(ConfigError, match="channels is 0"):
        AvClips(data_dir=tmp_path, settings={"channels": 0})


def test_clip_in_two_splits(tmp_path):
    row = write_clip(tmp_path, "cello", 1)
    (tmp_path / "train.csv").write_text(row)
    (tmp_path / "val.csv").write_text(row)
    with pytest.raises(DataError, match="is in the splits 'train' and 'validation'"):
        prepare(tmp_path, tmp_path)


@pytest.mark.parametrize("other", ["f2,12", "f1,11"])
def test_a_sound_with_two_sets_of_pictures(tmp_path, other):
    """Two clips of one id could be built, but not opened."""
    (tmp_path / "train.csv").write_text(f"x/a.wav,f1,12\nx/a.wav,{other}\n")
    match = rf"clip 'x/a' is there twice, with the pictures \S+/f1 and \S+/{other[:2]}:"
    with pytest.raises(DataError, match=match):
        prepare(tmp_path, tmp_path, max_missing=1.0)


def test_unknown_codecs_are_broken_clips(tmp_path):
    """Neither stops the build; a second sound is in nobody's way."""
    pictures, sound = [number_picture(1)] * 8, tone(1.0, 22050)
    folder = tmp_path / "source" / "train" / "cello"
    folder.mkdir(parents=True)
    for codec in ("aac", "h264", ""):
        path = folder / f"no_{codec}.mkv"
        write_video(path, pictures, 8, sound)
        if codec:
            without_decoder(path, codec)
    _, clips, missing, _ = prepare(tmp_path, tmp_path / "source", max_missing=0.7)
    assert [len(found) for found in clips["splits"].values()] == [1]
    reasons = [entry["reason"].partition(": ")[2] for entry in missing]
    assert sorted(reasons) == [
        "there is no decoder for picture stream 0; convert the file to another codec",
        "there is no decoder for sound stream 1; convert the file to another codec",
    ]


def test_long_clip_is_stored_in_small_records(tmp_path):
    seconds = 60
    write_clip(tmp_path, "cello", 1, "video", seconds=seconds)
    folder, clips, _, _ = prepare(
        tmp_path, tmp_path, settings={"image_rate_hz": 1.0}, max_missing=0.0
    )
    (clip,) = clips["splits"]["train"]
    assert clip["num_records"] == 30
    source = tfds.builder_from_directory(folder).as_data_source("train")
    assert {record["audio"].shape for record in source} == {(1, 1, 2 * RATE_HZ)}
    assert {len(record["images"]) for record in source} == {2}


def test_metadata_of_the_builder(tmp_path):
    builder = AvClips(data_dir=tmp_path)
    assert "The Sound of Pixels" in builder.info.citation
    assert "index csv" in builder.info.description
    assert [config.name for config in AvClips.BUILDER_CONFIGS] == [
        "default",
        "music",
        "music21",
        "vggsound",
    ]
