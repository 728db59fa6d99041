"""The records of a split, each taken apart no further than it is asked for.

A record holds all pictures of two seconds, of which an example shows one or two. What
TFDS makes of a record copies each of them, which costs as much as to read it.
"""

import pathlib
from typing import Any

import numpy as np


class Records:
    """Random access to the records of one split, from any thread.

    A record is a dict: ``audio`` ``[s, c, t]`` int16, read-only; ``images`` and, where
    there is one, ``flow``, sequences of files that are copied when they are taken;
    ``clip``, JSON as bytes; ``segment``, its number in the clip.

    Raises:
      ValueError, KeyError, IndexError: from ``records[index]``, if it is damaged.
      RuntimeError, OSError: likewise, if it cannot be read.
    """

    def __init__(self, path: pathlib.Path, split: str) -> None:
        """Opens the files of a split of the dataset in a folder."""
        # TFDS takes half a second to import, which a config alone need not pay.
        import tensorflow_datasets as tfds
        from google.protobuf.message import DecodeError
        from tensorflow_datasets.proto import tf_example_pb2

        raw = tfds.decode.DeserializeMethod.RAW_BYTES
        builder = tfds.builder_from_directory(path)
        self._bytes = builder.as_data_source(split, deserialize_method=raw)
        self._parse = tf_example_pb2.Example.FromString
        self._decode_error = DecodeError

    def __len__(self) -> int:
        return len(self._bytes)

    def __getitem__(self, index: int) -> dict[str, Any]:
        try:
            found = self._parse(self._bytes[index]).features.feature
        except self._decode_error as error:
            raise ValueError(f"it cannot be parsed: {error}") from error
        if missing := {"audio/value", "audio/shape", "clip", "segment"} - set(found):
            raise KeyError(f"it lacks {', '.join(sorted(missing))}")
        shape = tuple(found["audio/shape"].int64_list.value)
        audio = np.frombuffer(found["audio/value"].bytes_list.value[0], np.int16)
        return {
            "audio": audio.reshape(shape),
            "images": found["images"].bytes_list.value,
            "flow": found["flow"].bytes_list.value,
            "clip": found["clip"].bytes_list.value[0],
            "segment": found["segment"].int64_list.value[0],
        }
