import io
import json

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from spatialjax.errors import ConfigError
from tfds_builders.instruments import CLASSES
from tfds_builders.toy_band import ToyBand, ToyBandConfig, World, render_clip
from tfds_builders.toy_band.clip import ToyClip

WORLD = World(train=1, validation=0, test=0, duets=3, seconds=2.5, image_size=32)


def build(folder, num_workers=0, world=WORLD):
    config = ToyBandConfig(name="small", description="for a test", world=world)
    builder = ToyBand(config=config, data_dir=folder, num_workers=num_workers)
    builder.download_and_prepare()
    return builder


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build(tmp_path_factory.mktemp("toy"))


def test_clips_json_describes_solos_and_duets(built):
    clips = json.loads((built.data_path / "clips.json").read_text())
    assert clips["classes"] == list(CLASSES)
    assert clips["sample_rate_hz"] == 11025
    assert set(clips["splits"]) == {"train", "duets"}
    train, duets = clips["splits"]["train"], clips["splits"]["duets"]
    assert [entry["class_ids"] for entry in train] == [[k] for k in range(8)]
    assert [entry["num_records"] for entry in train] == [2] * 8
    assert {(entry["height"], entry["width"]) for entry in train} == {(32, 32)}
    for entry in duets:
        assert (entry["height"], entry["width"], entry["num_sources"]) == (32, 64, 2)
        assert entry["class_ids"][0] != entry["class_ids"][1]
        assert np.array(entry["boxes"]).shape == (2, 4)
        assert (entry["num_samples"], entry["num_images"]) == (27562, 20)
    assert json.loads((built.data_path / "missing.json").read_text()) == []


def test_records_hold_what_was_rendered(built):
    source = tfds.builder_from_directory(built.data_path).as_data_source("duets")
    clip = render_clip(WORLD, "duets", 1)
    stored = [source[2], source[3]]
    audio = np.concatenate([record["audio"] for record in stored], -1)
    np.testing.assert_array_equal(audio, clip.audio)
    images = [image for record in stored for image in record["images"]]
    assert images == list(clip.images)
    assert Image.open(io.BytesIO(images[0])).size == (64, 32)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_two_builds_are_equal_whatever_the_number_of_workers(
    built, tmp_path, num_workers
):
    again = build(tmp_path, num_workers)
    for path in sorted(built.data_path.iterdir()):
        copy = again.data_path / path.name
        if path.name != "dataset_info.json":
            assert copy.read_bytes() == path.read_bytes(), path.name


def test_another_seed_is_another_dataset(built, tmp_path):
    world = World(train=0, validation=1, test=0, duets=0, seconds=2.0, seed=1)
    other = build(tmp_path, world=world)
    hashes = [
        json.loads((builder.data_path / "manifest.json").read_text())["hash"]
        for builder in (built, other)
    ]
    assert hashes[0] != hashes[1]


def test_the_configs_are_named_and_sized(tmp_path):
    assert list(ToyBand.builder_configs) == ["default", "tiny"]
    default = ToyBand(config="default", data_dir=tmp_path)
    assert {split: len(clips) for split, clips in default.clips().items()} == {
        "train": 384,
        "validation": 48,
        "test": 48,
        "duets": 64,
    }
    tiny = ToyBand(config="tiny", data_dir=tmp_path)
    assert sum(map(len, tiny.clips().values())) == 44
    assert default.info.citation.startswith("@misc")


def test_a_world_out_of_range_is_refused(tmp_path):
    config = ToyBandConfig(name="short", world=World(seconds=0.1))
    with pytest.raises(ConfigError, match=r"seconds is 0\.1, expected >= 1"):
        ToyBand(config=config, data_dir=tmp_path).clips()


def test_a_clip_names_itself_before_it_is_rendered():
    clip = ToyClip(WORLD, "duets", 2)
    assert clip.clip_id == clip.load().clip_id
