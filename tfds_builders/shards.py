"""Records streamed into the shard files of a split.

TFDS' own writer for one machine keeps a split in memory, and needs TensorFlow where a
split exceeds 1 GiB; this one holds a single record.
"""

import contextlib
import itertools
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
      DataError: there are no examples, or no room to write them.
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
        length, size = _write_shard(
            paths[-1], itertools.chain([record], records), shard_bytes
        )
        lengths.append(length)
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


def _write_shard(
    path: pathlib.Path, records: Iterator[bytes], shard_bytes: int
) -> tuple[int, int]:
    """Number and bytes of the records taken until the shard is full.

    Raises:
      DataError: the file cannot be written.
    """
    length = size = 0
    writer = ArrayRecordWriter(str(path), "group_size:1")
    for record in records:
        with _told(path):
            writer.write(record)
        length += 1
        size += len(record)
        if size >= shard_bytes:
            break
    with _told(path):
        writer.close()
    return length, size


@contextlib.contextmanager
def _told(path: pathlib.Path) -> Iterator[None]:
    """Turns a failure of the writer, such as a full disk, into a `DataError`."""
    try:
        yield
    except RuntimeError as error:
        reason = str(error).partition(";")[0]
        raise DataError(
            f"{path} cannot be written: {reason}; free some room and build again"
        ) from error
