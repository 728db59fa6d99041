"""Records streamed into the shard files of a split.

TFDS' own writer for one machine keeps a split in memory, and needs TensorFlow where a
split exceeds 1 GiB; this one holds a single record.
"""

import pathlib
from collections.abc import Iterator
from typing import Any

import tensorflow_datasets as tfds
from array_record.python.array_record_module import ArrayRecordWriter
from tensorflow_datasets.core import example_serializer, naming

from spatialjax.errors import DataError

SHARD_BYTES = 256 << 20
"""A shard that has grown to this size is followed by the next one."""


def write_shards(
    examples: Iterator[dict[str, Any]],
    features: tfds.features.FeaturesDict,
    template: naming.ShardedFileTemplate,
    shard_bytes: int = SHARD_BYTES,
) -> tfds.core.SplitInfo:
    """Write the examples of a split, in order, one record a group.

    Groups of one record make random access fast: a reader decompresses whole groups.

    Raises:
      DataError: there are no examples.
    """
    serialize = example_serializer.ExampleSerializer(
        features.get_serialized_info()
    ).serialize_example
    records = (serialize(features.encode_example(example)) for example in examples)
    paths: list[pathlib.Path] = []
    lengths: list[int] = []
    num_bytes = 0
    for record in records:
        paths.append(pathlib.Path(template.data_dir, f"{template.split}-{len(paths)}"))
        writer = ArrayRecordWriter(str(paths[-1]), "group_size:1")
        lengths.append(0)
        size = 0
        while record is not None:
            writer.write(record)
            size += len(record)
            lengths[-1] += 1
            record = next(records, None) if size < shard_bytes else None
        writer.close()
        num_bytes += size
    if not paths:
        raise DataError(f"split {template.split!r} has no clip that can be used")
    for index, path in enumerate(paths):
        path.rename(template.sharded_filepath(shard_index=index, num_shards=len(paths)))
    return tfds.core.SplitInfo(
        name=template.split,
        shard_lengths=lengths,
        num_bytes=num_bytes,
        filename_template=template,
    )
