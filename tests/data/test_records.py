"""Records are what TFDS makes of them, taken apart later."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from spatialjax.data.records import Records


def test_records_are_those_that_tfds_reads(dataset):
    for split in ("train", "duets"):
        records = Records(dataset.path, split)
        expected = tfds.builder_from_directory(dataset.path).as_data_source(split)
        assert len(records) == len(expected) > 4
        for index in (0, 3, len(expected) - 1):
            found, wanted = records[index], expected[index]
            assert found["audio"].dtype == wanted["audio"].dtype
            np.testing.assert_array_equal(found["audio"], wanted["audio"])
            assert list(found["images"]) == list(wanted["images"])
            assert (found["clip"], found["segment"]) == (
                wanted["clip"],
                wanted["segment"],
            )
            assert not list(found["flow"])


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"\xff\xff", ValueError), (b"", KeyError)],
)
def test_bytes_that_are_no_record(dataset, content, error):
    records = Records(dataset.path, "train")
    records._bytes = [content]
    with pytest.raises(error, match=r"it (cannot be parsed|lacks audio/shape)"):
        records[0]
