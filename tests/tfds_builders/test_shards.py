import numpy as np
import pytest
import tensorflow_datasets as tfds
from array_record.python.array_record_module import ArrayRecordReader
from tensorflow_datasets.core import naming

from spatialjax.errors import DataError
from tests.tfds_builders.fakes import clip_media
from tfds_builders.segments import features, records
from tfds_builders.shards import write_shards


def template(folder):
    return naming.ShardedFileTemplate(
        data_dir=folder,
        dataset_name="fake",
        split="train",
        filetype_suffix="array_record",
    )


def examples(num_clips):
    for index in range(num_clips):
        for _, example in records(index, clip_media(f"a/{index}", seed=index)):
            yield example


def test_shards_hold_all_records_in_order(tmp_path):
    info = write_shards(examples(5), features(), template(tmp_path), 15000)
    assert len(info.shard_lengths) > 2
    assert sum(info.shard_lengths) == 15
    names = [f"fake-train.array_record-0000{i}-of-0000" for i in range(9)]
    count = len(info.shard_lengths)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{name}{count}" for name in names[:count]
    ]
    found = [
        features().deserialize_example_np(record)
        for path in sorted(tmp_path.iterdir())
        for record in ArrayRecordReader(str(path)).read_all()
    ]
    assert info.num_bytes > 0
    for given, stored in zip(examples(5), found, strict=True):
        np.testing.assert_array_equal(given["audio"], stored["audio"])
        assert given["images"] == stored["images"]
        assert given["clip"] == stored["clip"].decode()


def test_one_record_a_group(tmp_path):
    write_shards(examples(1), features(), template(tmp_path))
    (path,) = tmp_path.iterdir()
    options = ArrayRecordReader(str(path)).writer_options_string()
    assert options.startswith("group_size:1,")


def test_examples_are_taken_one_by_one(tmp_path):
    alive = []

    def watched():
        for example in examples(3):
            alive.append(len(list(tmp_path.iterdir())))
            yield example

    write_shards(watched(), features(), template(tmp_path), shard_bytes=1)
    # Each shard is on disk before the next record is asked for.
    assert alive == list(range(9))


def test_a_split_without_records(tmp_path):
    with pytest.raises(DataError, match="split 'train' has no clip that can be used"):
        write_shards(iter(()), features(), template(tmp_path))


def test_tensorflow_is_not_needed():
    assert isinstance(features(), tfds.features.FeaturesDict)
    import sys

    assert "tensorflow" not in sys.modules
