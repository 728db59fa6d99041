"""Optical flow comes with its pictures, in pixels of their size, from one read."""

import collections
import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow_datasets as tfds

from spatialjax.data import (
    DataConfig,
    PairRule,
    make_pairs,
    open_dataset,
    pair_batches,
    train_batches,
)
from spatialjax.data.clips import Dataset
from spatialjax.data.images import decode_flows
from spatialjax.errors import DataError, ShapeError
from spatialjax.media import encode_flow
from spatialjax.tasks.base import ArraySpec, check_batch
from tests.data import tiny
from tfds_builders.segments import features

HEIGHT, WIDTH = 16, 32
CONFIG = DataConfig(
    dataset="flow_clips",
    batch_size=4,
    image_spacing_s=0.4,
    centre_margin_s=0.4,
    image_scale=1.0,
    flip=False,
    num_threads=0,
)


def flow_of(number, index, height=HEIGHT, width=WIDTH):
    """A flow that differs in every clip and image, linear in rows and columns."""
    row, column = np.mgrid[:height, :width].astype(np.float64)
    right = number + index / 8 + column / 16
    down = -index / 4 + row / 8 - column / 32
    return np.stack([right, down], -1).astype(np.float16)


class FlowClip(tiny.TinyClip):
    def load(self):
        clip = super().load()
        flows = [
            encode_flow(flow_of(self.number, i, *self.size))
            for i in range(len(clip.images))
        ]
        return dataclasses.replace(clip, flow=flows)


class FlowClips(tiny.TinyClips):
    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self, features=features(has_flow=True), disable_shuffling=True
        )


def clip_of(number, seconds=6.0, size=(HEIGHT, WIDTH), kind=FlowClip, **fields):
    names = fields.pop("class_names", ("",))
    return kind(number, seconds, names, size, channels=4, **fields)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flow")
    square = clip_of(7, size=(24, 24))
    boxes = ((0.0, 0.0, 0.5, 0.25), (0.5, 0.5, 0.5, 0.25))
    duet = clip_of(8, class_names=("bell", "drum"), boxes=boxes)
    train = [clip_of(k, 6.0 + k) for k in range(3)]
    splits = {"train": train, "square": [square], "duets": [duet]}
    FlowClips(splits, data_dir=str(folder)).download_and_prepare()
    tiny.build(folder, {"train": [clip_of(0, kind=tiny.TinyClip)]})
    return folder


@pytest.fixture
def dataset(data_dir):
    return open_dataset(data_dir, "flow_clips")


def make_spec(height=HEIGHT, width=WIDTH, n=1, v=3):
    return {
        "audio": ArraySpec((n, 4, 400), "int16", "1/32768", tiny.RATE_HZ),
        "images": ArraySpec((n, v, height, width, 3), "uint8", "level"),
        "flow": ArraySpec((n, v, height, width, 2), "float16", "pixels"),
        "image_time_s": ArraySpec((n, v), "float32", "s"),
        "example_id": ArraySpec((), "int32", "index"),
        "valid": ArraySpec((), "bool", "truth"),
    }


def drawn(dataset, spec=None, count=4, **changes):
    config = dataclasses.replace(CONFIG, **changes)
    batches = train_batches(dataset, spec or make_spec(), config, seed=2)
    found = list(itertools.islice(batches, count))
    batches.close()
    return {n: np.concatenate([b[n] for b in found]) for n in found[0]}


def scenes(dataset, spec=None, **options):
    pairs = make_pairs(dataset, "train", PairRule.SCENE, 1, 8)
    (batch,) = pair_batches(dataset, spec or make_spec(), CONFIG, pairs, 8, **options)
    return batch


def place_of(images):
    """Clip number and image index that the colours of pictures ``[..., 3]`` tell."""
    colour = np.rint(images[..., HEIGHT // 2, WIDTH // 2, :2] / (5, 20)).astype(int)
    return colour[..., 1], colour[..., 0]


def test_each_picture_has_its_own_flow(dataset):
    batch = drawn(dataset)
    assert check_batch(make_spec(), batch) == 16
    number, index = place_of(batch["images"])
    assert len(np.unique(number)) == 3
    assert len(np.unique(index)) > 6
    for place in np.ndindex(index.shape):
        expected = flow_of(number[place], index[place])
        np.testing.assert_array_equal(batch["flow"][place], expected)


def test_smaller_flow_is_counted_in_larger_pixels(dataset):
    batch = drawn(dataset, make_spec(HEIGHT // 2, WIDTH // 2))
    whole = drawn(dataset)
    number, index = place_of(whole["images"])
    # Pixel c of the small picture lies between pixels 2 c and 2 c + 1 of the large one.
    row, column = (2 * np.mgrid[: HEIGHT // 2, : WIDTH // 2] + 0.5)[..., 1:-1, 1:-1]
    right = (number[..., None, None] + index[..., None, None] / 8 + column / 16) / 2
    down = (-index[..., None, None] / 4 + row / 8 - column / 32) / 2
    inside = batch["flow"][..., 1:-1, 1:-1, :]
    np.testing.assert_allclose(inside, np.stack([right, down], -1), atol=4e-3)


def test_larger_flow_is_counted_in_smaller_pixels():
    out = np.zeros((1, 24, 48, 2), np.float16)
    decode_flows([encode_flow(np.full((8, 16, 2), (1.5, -2), np.float16))], out)
    np.testing.assert_allclose(out, np.broadcast_to((4.5, -6), out.shape))


def test_a_segment_is_read_once_for_both(dataset, monkeypatch):
    original, reads = Dataset.read_segment, collections.Counter()

    def counting(self, clip, segment):
        reads[clip.clip_id, segment] += 1
        return original(self, clip, segment)

    monkeypatch.setattr(Dataset, "read_segment", counting)
    spec = make_spec()
    counts = []
    for left_out in ((), ("flow",), ("images",)):
        reads.clear()
        drawn(dataset, {n: s for n, s in spec.items() if n not in left_out})
        counts.append(dict(reads))
    assert counts[0]
    assert counts[0] == counts[1] == counts[2]


def test_flow_may_be_all_that_is_seen(dataset):
    spec = make_spec()
    both = drawn(dataset, spec)
    del spec["images"]
    alone = drawn(dataset, spec)
    assert "images" not in alone
    for name, rows in alone.items():
        np.testing.assert_array_equal(rows, both[name])


def test_a_control_shows_the_flow_of_another_clip(dataset):
    plain, control = scenes(dataset), scenes(dataset, swaps_images=True)
    np.testing.assert_array_equal(control["audio"], plain["audio"])
    own, _ = place_of(plain["images"])
    other, index = place_of(control["images"])
    assert (own != other).all()
    np.testing.assert_array_equal(control["flow"][..., 0, 0, 0], other + index / 8)


@pytest.mark.slow
def test_worker_processes_give_the_same(dataset):
    expected = drawn(dataset)
    found = drawn(dataset, num_workers=1, num_threads=1)
    for name, rows in expected.items():
        np.testing.assert_array_equal(found[name], rows)


def test_a_dataset_without_flow(data_dir):
    plain = open_dataset(data_dir, "tiny_clips")
    with pytest.raises(DataError, match=r"'clip0' .* has no optical flow"):
        drawn(plain)
    spec = make_spec()
    del spec["flow"]
    assert drawn(plain, spec)["valid"].all()


@pytest.mark.parametrize("change", [{"image_scale": 1.1}, {"flip": True}])
def test_pictures_that_are_cut_have_no_flow(dataset, change):
    with pytest.raises(DataError, match="flow is of whole pictures, set 1 and false"):
        drawn(dataset, **change)


def test_a_picture_of_another_shape(dataset):
    with pytest.raises(
        DataError, match=r"'clip7': flow of 24 x 24 .* not fill 32 x 16"
    ):
        drawn(dataset, train_split="square")


def test_the_part_of_a_picture_in_a_box(dataset):
    pairs = make_pairs(dataset, "duets", PairRule.DUET, 2, 1)
    with pytest.raises(DataError, match="'clip8': its picture is cut"):
        next(pair_batches(dataset, make_spec(n=2), CONFIG, pairs, 1))


def test_flow_of_other_pictures(dataset):
    spec = make_spec() | {"flow": make_spec(v=2)["flow"]}
    with pytest.raises(ShapeError, match="the task's flow"):
        drawn(dataset, spec)


def test_a_damaged_flow():
    with pytest.raises(DataError, match="a flow cannot be decoded: 3 bytes"):
        decode_flows([b"FLO"], np.zeros((1, 2, 4, 2), np.float16))
