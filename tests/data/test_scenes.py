"""Clips that hold one sound field: items at several times, masks, silence."""

import itertools

import numpy as np
import pytest

from spatialjax.data import (
    DataConfig,
    PairRule,
    load_pairs,
    make_pairs,
    open_dataset,
    pair_batches,
    train_batches,
)
from spatialjax.errors import DataError
from spatialjax.tasks.base import ArraySpec
from tests.data import tiny

WXY = (True, True, False, True)
CONFIG = DataConfig(
    batch_size=4,
    image_spacing_s=0.4,
    centre_margin_s=0.0,
    image_scale=1.0,
    flip=False,
    num_threads=0,
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    fields = [tiny.TinyClip(k, (4.0, 6.0, 0.8)[k], ("",), channels=4) for k in range(3)]
    masked = tiny.TinyClip(3, 4.0, ("",), channels=4, channel_mask=WXY)
    quiet = tiny.TinyClip(4, 8.0, ("",), channels=4, silent_s=6.0)
    silent = tiny.TinyClip(5, 4.0, ("",), channels=4, silent_s=4.0)
    splits = {"train": fields, "masked": [masked], "quiet": [quiet], "silent": [silent]}
    tiny.build(folder, splits)
    return open_dataset(folder, "tiny_clips")


def make_spec(num_samples=400):
    return {
        "audio": ArraySpec((1, 4, num_samples), "int16", "1/32768", tiny.RATE_HZ),
        "images": ArraySpec((1, 1, 16, 16, 3), "uint8", "level"),
        "image_time_s": ArraySpec((1, 1), "float32", "s"),
        "channel_mask": ArraySpec((1, 4), "float32", "truth"),
        "example_id": ArraySpec((), "int32", "index"),
        "valid": ArraySpec((), "bool", "truth"),
    }


def scenes(dataset, split="train", count=None, spacing_s=1.0):
    return make_pairs(
        dataset, split, PairRule.SCENE, 1, count, scene_spacing_s=spacing_s
    )


def whole(dataset, pairs, **options):
    batches = list(pair_batches(dataset, make_spec(), CONFIG, pairs, 4, **options))
    rows = np.concatenate([batch["valid"] for batch in batches])
    return {
        name: np.concatenate([batch[name] for batch in batches])[rows]
        for name in batches[0]
    }


class TestItems:
    def test_stand_at_half_past_every_spacing(self, dataset):
        pairs = scenes(dataset, count=100)
        assert pairs.clip_ids == ("clip0",) * 4 + ("clip1",) * 6 + ("clip2",)
        expected = [int((j + 0.5) * tiny.IMAGE_RATE_HZ) for j in range(6)]
        assert list(pairs.centres) == [*expected[:4], *expected, 1]
        assert pairs.item_ids[1] == "clip0 @ 3"

    def test_are_spread_over_all_clips_where_there_are_fewer(self, dataset):
        pairs = scenes(dataset)
        assert pairs.clip_ids == ("clip0", "clip0", "clip1")
        assert len(scenes(dataset, count=5, spacing_s=0.5).items) == 5

    def test_a_list_reloads(self, dataset, tmp_path):
        pairs = scenes(dataset, count=100)
        pairs.save(tmp_path / "list.json")
        assert load_pairs(tmp_path / "list.json", dataset) == pairs

    def test_the_hash_tells_centres_apart(self, dataset):
        one, other = scenes(dataset, spacing_s=1.0), scenes(dataset, spacing_s=2.0)
        assert one.hash != other.hash

    def test_need_a_task_of_one_source(self, dataset):
        with pytest.raises(DataError, match="the task mixes 2"):
            make_pairs(dataset, "train", PairRule.SCENE, 2)


def test_sound_lies_around_the_centre(dataset):
    pairs = scenes(dataset, count=100)
    rows = whole(dataset, pairs)
    pcm = tiny.TinyClip(1, 6.0, ("",), channels=4).pcm
    for row, (clip, centre) in enumerate(
        zip(pairs.clip_ids, pairs.centres, strict=True)
    ):
        first = round((centre + 0.5) / tiny.IMAGE_RATE_HZ * tiny.RATE_HZ) - 200
        if clip == "clip1" and 0 <= first <= pcm.shape[-1] - 400:
            heard = rows["audio"][row]
            np.testing.assert_array_equal(heard, pcm[:, :, first : first + 400])


def test_a_control_shows_the_pictures_of_another_clip(dataset):
    pairs = scenes(dataset, count=100)
    plain, control = whole(dataset, pairs), whole(dataset, pairs, swaps_images=True)
    np.testing.assert_array_equal(plain["audio"], control["audio"])
    own, shown = (rows["images"][:, 0, 0, 8, 8, 1] for rows in (plain, control))
    assert (np.abs(own.astype(int) - shown) > 10).all()


def test_a_control_of_one_clip_is_refused(dataset):
    pairs = scenes(dataset, "masked", count=100)
    with pytest.raises(DataError, match="all items are of clip 'clip3'"):
        whole(dataset, pairs, swaps_images=True)


def test_channel_masks(dataset):
    masked = whole(dataset, scenes(dataset, "masked"))
    np.testing.assert_array_equal(masked["channel_mask"][0, 0], WXY)
    plain = whole(dataset, scenes(dataset))
    np.testing.assert_array_equal(plain["channel_mask"], np.ones((3, 1, 4)))


class TestSilence:
    def drawn(self, dataset, split, silence_rms, count=8):
        config = DataConfig(
            **{**vars(CONFIG), "train_split": split, "silence_rms": silence_rms}
        )
        batches = train_batches(dataset, make_spec(), config, seed=3)
        found = list(itertools.islice(batches, count))
        batches.close()
        return {n: np.concatenate([b[n] for b in found]) for n in found[0]}

    def test_silent_windows_are_drawn_again(self, dataset):
        before = self.drawn(dataset, "quiet", 0.0)
        after = self.drawn(dataset, "quiet", 0.01)

        def share(rows):
            return np.abs(rows["audio"]).max((1, 2, 3)).astype(bool).mean()

        assert share(before) < 0.5
        assert after["valid"].mean() > 0.9
        loud = np.abs(after["audio"][after["valid"]]).max((1, 2, 3))
        assert (loud > 0).all()

    def test_a_silent_clip_gives_no_valid_row(self, dataset):
        assert not self.drawn(dataset, "silent", 0.01, 1)["valid"].any()
        assert self.drawn(dataset, "silent", 0.0, 1)["valid"].all()

    def test_b26_the_level_must_be_exceeded(self, dataset):
        """Uniform samples of +-20000 have a level of 0.3524."""
        assert self.drawn(dataset, "masked", 0.33, 2)["valid"].all()
        assert not self.drawn(dataset, "masked", 0.38, 2)["valid"].any()
