"""One dataset for all tests of this folder."""

import pytest

from spatialjax.data import open_dataset
from spatialjax.tasks.base import ArraySpec
from tests.data import tiny

BOXES = ((0.25, 0.0, 0.5, 0.25), (0.25, 0.625, 0.5, 0.25))


@pytest.fixture(scope="session")
def media():
    """The clips of each split, as they were before they were stored."""
    return {
        "train": tiny.solos(),
        "validation": tiny.solos(7),
        "odd": [
            tiny.TinyClip(0, 0.6, ("bell",)),
            tiny.TinyClip(1, 3.05, ("drum",), image_rate_hz=29.97),
            tiny.TinyClip(2, 8.0, ("",)),
        ],
        "duets": [
            tiny.TinyClip(3, 5.0, ("bell", "drum"), (32, 64), BOXES),
            tiny.TinyClip(4, 5.0, ("flute", "flute"), (32, 64)),
        ],
    }


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory, media):
    folder = tmp_path_factory.mktemp("datasets")
    tiny.build(folder, media)
    return folder


@pytest.fixture
def dataset(data_dir):
    return open_dataset(data_dir, "tiny_clips")


@pytest.fixture
def make_spec():
    """A function that gives the specification of a batch."""

    def make(n=2, t=2001, v=3, size=16, rate_hz=float(tiny.RATE_HZ), channels=1):
        return {
            "audio": ArraySpec((n, channels, t), "int16", "full scale 32768", rate_hz),
            "images": ArraySpec((n, v, size, size, 3), "uint8", "0 to 255"),
            "gain": ArraySpec((n,), "float32", "factor"),
            "class_id": ArraySpec((n,), "int32", "class index or -1"),
            "example_id": ArraySpec((), "int32", "index"),
            "valid": ArraySpec((), "bool", "truth value"),
        }

    return make
