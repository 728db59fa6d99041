import itertools
import json

import numpy as np
import pytest
import tensorflow_datasets as tfds

from spatialjax.errors import ConfigError
from tfds_builders.instruments import CLASSES
from tfds_builders.toy_sphere import ToySphere, ToySphereConfig, World, render_clip

WORLD = World(train=2, validation=0, test=2, seconds=2.5, image_height=16)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    config = ToySphereConfig(name="small", description="for a test", world=WORLD)
    builder = ToySphere(config=config, data_dir=tmp_path_factory.mktemp("toy"))
    builder.download_and_prepare()
    return builder


def test_clips_json_describes_the_fields(built):
    clips = json.loads((built.data_path / "clips.json").read_text())
    assert clips["classes"] == list(CLASSES)
    assert (clips["sample_rate_hz"], clips["channels"]) == (16000, 4)
    assert set(clips["splits"]) == {"train", "test_1", "test_2", "test_3"}
    for entry in itertools.chain(*clips["splits"].values()):
        assert (entry["height"], entry["width"]) == (16, 32)
        assert (entry["num_sources"], entry["class_ids"]) == (1, [-1])
        assert (entry["num_samples"], entry["num_images"]) == (40000, 25)


@pytest.mark.parametrize("num_sources", [1, 2, 3])
def test_records_hold_what_was_rendered(built, num_sources):
    split = f"test_{num_sources}"
    source = tfds.builder_from_directory(built.data_path).as_data_source(split)
    clip = render_clip(WORLD, split, 1)
    stored = [source[2], source[3]]
    audio = np.concatenate([record["audio"] for record in stored], -1)
    np.testing.assert_array_equal(audio, clip.audio)
    assert [image for record in stored for image in record["images"]] == clip.images
    directions = np.array(json.loads(stored[0]["clip"])["source_directions"])
    assert directions.shape == (num_sources, 25, 2)
    np.testing.assert_allclose(directions, clip.source_directions, atol=1e-5)


def test_the_configs_are_named_and_sized(tmp_path):
    assert list(ToySphere.builder_configs) == ["default", "hard", "tiny"]
    clips = ToySphere(config="default", data_dir=tmp_path).clips()
    assert {split: len(found) for split, found in clips.items()} == {
        "train": 1800,
        "validation": 48,
        "test_1": 64,
        "test_2": 64,
        "test_3": 64,
    }
    hard = ToySphere(config="hard", data_dir=tmp_path)
    assert not hard.clips()["train"][0].world.colour_tells_class
    tiny = ToySphere(config="tiny", data_dir=tmp_path)
    assert sum(map(len, tiny.clips().values())) == 28
    assert hard.info.citation.startswith("@misc")


def test_a_world_out_of_range_is_refused(tmp_path):
    config = ToySphereConfig(name="short", world=World(seconds=0.1))
    with pytest.raises(ConfigError, match=r"seconds is 0\.1, expected >= 1"):
        ToySphere(config=config, data_dir=tmp_path).clips()
